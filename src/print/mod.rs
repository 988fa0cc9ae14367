//! How a page reads as text: JSON, Markdown, plain.
