//! The sandbox: an emulator of both systems. It shares no type with the client.
