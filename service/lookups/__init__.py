"""Is this picture ours? Perceptual hashes, then local features."""
