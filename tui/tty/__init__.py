"""What stands between the terminal and Textual: bytes that come in, and the descriptors of the process."""
