"""What members do beside buying: reported once by any room or till, rewarded by the rules about it."""
