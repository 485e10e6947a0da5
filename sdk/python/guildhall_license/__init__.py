"""Licences of guildhall for programs in Python. README.md shows how to use it."""
