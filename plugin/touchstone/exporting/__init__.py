"""What is here as files of other tools. `sources` reads, a module each writes a format; nothing is ever overwritten."""
