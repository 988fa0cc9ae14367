//! The program: everything is in the library.

fn main() -> std::process::ExitCode {
    andon::engine::terminal::harden();
    andon::command::run(std::env::args_os())
}
