//! What somebody is worth believing, from what others saw of it.
