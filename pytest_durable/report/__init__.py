"""What pytest prints about a run: texts made of plain values."""
