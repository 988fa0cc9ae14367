//! A small world with a scripted outage, served over loopback in the vendors' own formats.
