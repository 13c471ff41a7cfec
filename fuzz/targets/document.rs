//! Any bytes as `mailserver.cfg`: what is accepted is kept to the byte, and an edit is in the result and can be taken
//! back.
#![no_main]

use std::sync::Arc;

use kerio_tls::mailserver_cfg::{Document, Edit, EditSet, Secrets, VariablePath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let document = match Document::parse(bytes.to_vec()) {
        Ok(document) => Arc::new(document),
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    assert_eq!(document.as_bytes(), bytes);
    let _ = (document.duplicates(), document.places(), document.log_directories());
    let paths = ["Security", "SmtpSecurity"].into_iter().flat_map(|table| {
        let names = document.variables(table).into_iter().map(|variable| variable.name);
        names
            .chain(["ServerTlsProtocols".to_owned()])
            .map(move |variable| VariablePath {
                table: table.to_owned(),
                variable,
            })
    });
    for path in paths.take(4) {
        let base = document.value(&path);
        let edits = EditSet::new([Edit {
            path: path.clone(),
            base: base.clone(),
            new: Some("TLSv1.2 & <later>".to_owned()),
        }]);
        let Ok(proven) = document.prove(&edits) else { continue };
        let _ = proven.diff(&Secrets::default(), 3);
        let result = proven.result();
        assert_eq!(result.value(&path).as_deref(), Some("TLSv1.2 & <later>"));
        let back = result
            .prove(&proven.edits().inverse())
            .expect("an edit can be taken back");
        assert_eq!(back.result().value(&path), base);
    }
});
