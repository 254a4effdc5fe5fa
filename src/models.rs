//! The meeting of threads, tried in every order that loom can find.
