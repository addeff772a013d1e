"""A small shop of rendered products: catalogue pictures, camera-like photos and a vision tower trained on them."""
