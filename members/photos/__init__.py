"""Members' photos: checked by content, made anew, shown to who may see the member, gone from disk for good."""
