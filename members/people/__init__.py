"""What members say of themselves beyond the profile: names apart, gender, occupation, a lunar or yearless birthday."""
