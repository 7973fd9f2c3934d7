"""The part of the bench that loads into a real PostgreSQL."""
