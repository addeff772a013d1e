"""Makes a release: towers and a catalogue in, a Triton repository, an index and a manifest out."""
