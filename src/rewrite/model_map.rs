//! model_map
