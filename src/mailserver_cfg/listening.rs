//! Which ports the file gives to its services: each has a `Port` (seen). What it is called stands beside that or is the table's own name
//! (assumed), and lists and tables have names that are not all public, so that nothing is looked for by name.

use super::document::Document;
use super::index::name_in;
use crate::hostile::text_at;

/// Names of a service stand in one of these.
const NAMES: [&str; 4] = ["Name", "Service", "Protocol", "Type"];

impl Document {
    /// Every `Port` of a table or of an item of a list, with the words beside it: the name of the table or list, then what names the
    /// item. Whoever reads them has to expect relays and accounts among them.
    #[must_use]
    pub fn ports(&self) -> Vec<(u16, String)> {
        let mut found = Vec::new();
        for section in &self.index.sections {
            let words = name_in(&self.text, section.element.tag()).unwrap_or_default();
            let (mut port, mut item, mut end) = (None, words.to_string(), section.element.tag().end);
            for spot in self.index.variables_of(section) {
                // Between two variables of one item stands no other tag.
                if text_at(&self.text, end..spot.start()).contains("listitem") {
                    found.extend(
                        port.take()
                            .map(|port| (port, std::mem::replace(&mut item, words.to_string()))),
                    );
                    item = words.to_string();
                }
                end = spot.inner().end;
                let name = name_in(&self.text, spot.tag()).unwrap_or_default();
                let value = self.raw(spot).trim();
                if name.eq_ignore_ascii_case("Port") {
                    port = value.parse().ok().filter(|port| *port != 0);
                } else if NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                    item.push(' ');
                    item.push_str(value);
                }
            }
            found.extend(port.map(|port| (port, item)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_is_found_with_the_words_of_its_item_or_table() {
        let text = "<config><table name='Smtp'><variable name='Port'>2525</variable></table><list name='Services'><listitem>\
                    <variable name='Name'>Secure IMAP</variable><variable name='Port'>9993</variable></listitem><listitem>\
                    <variable name='Port'>0</variable><variable name='Name'>LDAP</variable></listitem><listitem>\
                    <variable name='Port'>8443</variable><variable name='Name'>HTTPS</variable></listitem><listitem>\
                    <variable name='Name'>no port</variable></listitem></list></config>";
        let found = Document::parse(text.into()).unwrap().ports();
        let found: Vec<(u16, &str)> = found.iter().map(|(port, words)| (*port, words.as_str())).collect();
        assert_eq!(
            found,
            [(2525, "Smtp"), (9993, "Services Secure IMAP"), (8443, "Services HTTPS")]
        );
    }
}
