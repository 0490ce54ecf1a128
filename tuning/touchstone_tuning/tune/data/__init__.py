"""What a model learns from: rows, as conversations, in the file format of whoever trains, checked before they leave."""
