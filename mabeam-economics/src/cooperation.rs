//! What a coalition earns and who earned it; who is matched with whom.
