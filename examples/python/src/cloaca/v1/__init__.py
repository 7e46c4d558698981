"""Generated from proto/cloaca/v1 by tools/gen.py."""
