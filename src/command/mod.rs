//! One file per subcommand; the only room that knows the whole house.
