mod closing;
mod datagrams;
mod handshakes;
mod lab;
mod random;
mod told;
mod transfers;
