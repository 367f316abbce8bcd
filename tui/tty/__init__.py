"""The layer between the terminal and Textual: bytes that come in, and the descriptors of the process."""
