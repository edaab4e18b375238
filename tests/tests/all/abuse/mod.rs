//! Load and abuse on a node as users run it. While it goes on the node works for everybody else; after it the
//! node is what it was before, without a restart.

mod crowds;
mod openapi;
mod smuggling;
mod victim;
mod websocket;
