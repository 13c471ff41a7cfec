//! Where the save itself panics, an engine that it stopped is started first, before the exchange and after it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kerio_tls::save::{Gate, GateError, Recovered, Started, Step, recover, save};

use crate::support::{NEW, OLD, Place, content, edit, request};

/// An engine that is up or down, and where the save panics: at the n-th step or call.
struct Fragile {
    up: bool,
    starts: usize,
    calls: usize,
    panics_at: usize,
    badly: bool,
}

impl Fragile {
    fn call(&mut self) {
        self.calls += 1;
        assert_ne!(self.calls, self.panics_at, "panics here");
    }

    fn start(&mut self) {
        self.up = true;
        self.starts += 1;
    }
}

impl Gate for Fragile {
    fn will_stop(&mut self) -> bool {
        self.call();
        true
    }
    fn before_write(&mut self) -> Result<(), GateError> {
        self.call();
        self.up = false;
        self.call();
        Ok(())
    }
    fn prove_stopped(&mut self) -> Result<(), GateError> {
        self.call();
        Ok(())
    }
    fn abort(&mut self) -> Result<(), GateError> {
        self.start();
        Ok(())
    }
    fn after_commit(&mut self) -> Started {
        self.call();
        if self.badly {
            return Started::Badly(Vec::new());
        }
        self.start();
        Started::Well(Vec::new())
    }
    fn before_roll_back(&mut self) -> Result<(), GateError> {
        self.call();
        Ok(())
    }
    fn after_roll_back(&mut self) -> Started {
        self.call();
        self.start();
        Started::Well(Vec::new())
    }
}

#[test]
fn wherever_a_save_panics_the_engine_is_up_and_the_file_is_whole() {
    for badly in [false, true] {
        let mut panics = (0, 0);
        for panics_at in 1.. {
            let place = Place::new(&content(OLD, 0));
            let mut engine = Fragile {
                up: true,
                starts: 0,
                calls: 0,
                panics_at,
                badly,
            };
            let ended = catch_unwind(AssertUnwindSafe(|| {
                place.save_with(edit("ServerTlsProtocols", OLD, NEW), |_| {}, &mut engine)
            }));
            assert!(engine.up, "call {panics_at}: the engine is down");
            assert!(engine.starts <= 1, "call {panics_at}: started {} times", engine.starts);
            let now = place.bytes();
            assert!(now == content(OLD, 0) || now == content(NEW, 0), "call {panics_at}");
            let found = recover(&place.state(), &place.target()).unwrap();
            let said_down = found.iter().any(|one| matches!(one, Recovered::EngineMayBeDown { .. }));
            assert!(!said_down, "call {panics_at}: {found:?}");
            assert_eq!(place.bytes(), now, "call {panics_at}");
            assert_eq!(place.beside(), ["mailserver.cfg"], "call {panics_at}");
            match ended {
                Ok(saved) => {
                    saved.unwrap();
                    break;
                }
                Err(_) if now == content(OLD, 0) => panics.0 += 1,
                Err(_) => panics.1 += 1,
            }
        }
        assert!(
            panics.0 >= 4 && panics.1 >= 1,
            "before and after the exchange: {panics:?}"
        );
    }
}

#[test]
fn wherever_telling_of_a_step_panics_the_engine_is_up() {
    let mut steps = 0;
    for panics_at in 1.. {
        let place = Place::new(&content(OLD, 0));
        let mut engine = Fragile {
            up: true,
            starts: 0,
            calls: 0,
            panics_at: 0,
            badly: true,
        };
        let (state, target) = (place.state(), place.target());
        let base = std::sync::Arc::new(kerio_tls::mailserver_cfg::Document::parse(place.bytes()).unwrap());
        let secrets = kerio_tls::mailserver_cfg::Secrets::default();
        let wanted = request(&state, &target, &base, &secrets, edit("ServerTlsProtocols", OLD, NEW));
        let mut count = 0;
        let mut progress = |_: Step| {
            count += 1;
            assert_ne!(count, panics_at, "panics here");
        };
        let ended = catch_unwind(AssertUnwindSafe(|| save(&wanted, &mut engine, &mut progress)));
        assert!(engine.up, "step {panics_at}");
        if ended.is_ok() {
            break;
        }
        steps += 1;
    }
    assert!(steps >= 9, "{steps}");
}
