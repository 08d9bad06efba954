"""Forms: how the values of a type are written as plain JSON, and read again."""
