//! The program: everything is in the library.

fn main() -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // A status bar asks every few seconds: nothing is set up for it.
    if let Some(code) = andon::command::early(&arguments) {
        return code;
    }
    andon::engine::terminal::harden();
    andon::command::run(arguments)
}
