//! The embedded Azure OpenAI simulator.
