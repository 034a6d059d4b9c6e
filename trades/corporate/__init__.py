"""Corporate actions: asked for by one, approved by another, applied once to all that they touch."""
