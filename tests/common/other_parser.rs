//! A `mailserver.cfg` as another parser reads it.

/// Table, name and value of every variable.
pub(crate) fn variables(text: &str) -> Vec<(String, String, String)> {
    let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).unwrap();
    let name = |node: roxmltree::Node<'_, '_>| node.attribute("name").unwrap_or_default().to_owned();
    document
        .descendants()
        .filter(|node| node.has_tag_name("variable"))
        .map(|node| {
            let table = node.parent().map(name).unwrap_or_default();
            (table, name(node), node.text().unwrap_or_default().to_owned())
        })
        .collect()
}
