//! `andon demo`: the cockpit on a small world with a scripted outage, or that world's servers alone.

use std::process::ExitCode;

use color_eyre::eyre::Result;

use super::cli::{Common, Demo};
use super::{cockpit, gather, out};
use crate::engine::until_told_to_stop;
use crate::store::Place;

pub fn run(common: &Common, options: &Demo) -> Result<ExitCode> {
    let (config, running) =
        gather::demonstrated(common, options.at.as_deref(), options.speed, options.port)?;
    if !options.serve_only {
        let folder = running.folder().to_owned();
        // Its own, and gone with it: a world that begins anew each time has no yesterday, but it has a minute ago.
        let memory = Place::at(folder.join("memory.db"));
        let tidy = Box::new(move || {
            // The folder of the demo's papers; what cannot be removed is a few kilobytes in a temporary place.
            let _ = std::fs::remove_dir_all(folder);
        });
        return Ok(cockpit::open(
            common,
            config,
            options.wall,
            Some(tidy),
            Vec::new(),
            Some(memory),
        ));
    }
    let file = running.folder().join("andon.toml");
    std::fs::write(&file, &running.config)?;
    out::data(&format!(
        "The demo's world is served on http://{}\n  andon --config {}\nleave with ctrl-c\n",
        running.address,
        file.display()
    ))?;
    until_told_to_stop()?;
    Ok(ExitCode::SUCCESS)
}
