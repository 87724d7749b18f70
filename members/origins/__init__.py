"""How members came: by the code of a store or a campaign, as a link and a QR code, or by a friend."""
