//! The loop: one channel brings keys, sizes, results and signals; it blocks on that, draws once, and blocks again.

use std::convert::Infallible;
use std::io::{self, Stdout};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Instant;

use crossterm::event;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::layout::Rect;

use crate::work::{self, Asker, Event, Hold, panic_if_asked_to};

use super::input::{Decoder, Input, LONE_ESC};
use super::key::Key;
use super::keys::Place;
use super::screen::Screen;
use super::shutdown::{KEYS, Shutdown};
use super::state::{Effect, State};
use super::update::{Action, Keyboard, update};
use super::{signals, terminal, view};

/// How the terminal is treated.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Frame each write by mode 2026, so that a frame appears in one go.
    pub synchronised: bool,
}

/// How the screen ended.
#[derive(Debug)]
pub enum Ending {
    /// The user left; these lines say what was done.
    Left(Vec<String>),
    /// There is no terminal to draw on.
    NoTerminal,
    /// The terminal could not be taken, or went away.
    Lost(io::Error),
}

/// What comes in.
#[derive(Debug)]
enum Incoming {
    Key(Key, Instant),
    Paste(String),
    Resize(u16, u16),
    Work(Asker, Event),
    /// The process goes on after an outside stop.
    Continued,
    /// It is about to end: nothing may be drawn any more.
    Ending,
}

/// Says where events of the workers go.
pub type EventSink = Box<dyn Fn(Asker, Event) + Send + Sync>;

/// Runs the screen until the user leaves. `start` gets the sink for events and returns what carries effects out.
pub fn run<W>(mut state: State, options: Options, hold: Arc<Hold>, start: impl FnOnce(EventSink) -> W) -> Ending
where
    W: FnMut(Asker, work::Effect),
{
    if !terminal::is_there() {
        return Ending::NoTerminal;
    }
    let (sender, incoming) = mpsc::channel();
    let to_main = |incoming: fn() -> Incoming| {
        let sender = sender.clone();
        move || drop(sender.send(incoming()))
    };
    let shutdown = Shutdown::new(hold, to_main(|| Incoming::Ending));
    shutdown.on_panic();
    let size = terminal::size();
    state.context.size = (size.width, size.height);
    let mut screen = Screen::new(io::stdout(), size, state.context.theme.is_ascii(), options.synchronised);
    screen.enter();
    // The frame is made before there is a second thread, whose stack and heap the kernel would map meanwhile; it goes
    // out when signals have their thread and the terminal is ours.
    screen.hold();
    let mut terminal = match Terminal::new(screen) {
        Ok(terminal) => terminal,
        Err(error) => match error {},
    };
    let mut keyboard = Keyboard::default();
    draw(&mut terminal, &state);
    let on_continued = to_main(|| Incoming::Continued);
    if let Err(error) = signals::listen(Arc::clone(&shutdown), on_continued).and_then(|()| terminal::take()) {
        return Ending::Lost(error);
    }
    terminal.backend_mut().release();
    // Work begins behind the first frame: a large log must not delay it.
    let (events, ends) = (sender.clone(), Arc::clone(&shutdown));
    let mut carry = start(Box::new(move |asker, event| {
        ends.note(&event);
        let _ = events.send(Incoming::Work(asker, event));
    }));
    if let Err(error) = read_keys(sender) {
        terminal::give_back("");
        return Ending::Lost(error);
    }
    while let Ok(first) = incoming.recv() {
        // Whatever waits already is taken in before the next frame: a slow line gets one frame, not ten.
        for incoming in std::iter::once(first).chain(std::iter::from_fn(|| incoming.try_recv().ok())) {
            let action = match incoming {
                Incoming::Key(key, at) => {
                    panic_if_asked_to("key");
                    Action::Key(key, at)
                }
                Incoming::Paste(text) => Action::Paste(text),
                Incoming::Resize(width, height) => {
                    let size = terminal::known(width, height);
                    terminal.backend_mut().set_size(size);
                    repaint(&mut terminal, Rect::new(0, 0, size.width, size.height));
                    Action::Resize(size.width, size.height)
                }
                Incoming::Work(asker, event) => Action::Work(asker, event),
                Incoming::Continued => {
                    let _ = terminal::retake();
                    Action::Continued
                }
                Incoming::Ending => {
                    shutdown.is_quiet();
                    // Another thread ends the process; nothing may be drawn any more.
                    loop {
                        std::thread::park();
                    }
                }
            };
            for effect in update(&mut state, &mut keyboard, action, Timestamp::now()) {
                match effect {
                    Effect::Work(asker, effect) => {
                        if matches!(effect, work::Effect::Save(_)) {
                            shutdown.save_begins();
                        }
                        carry(asker, effect);
                    }
                    Effect::Repaint => {
                        terminal.backend_mut().enter();
                        repaint(&mut terminal, area(&state));
                    }
                    Effect::Suspend => suspend(&mut terminal, &state),
                    Effect::Quit => {
                        terminal::leave();
                        state.context.summary.extend(shutdown.broken());
                        return Ending::Left(state.context.summary);
                    }
                }
            }
        }
        draw(&mut terminal, &state);
        if let Some(error) = terminal.backend_mut().take_error() {
            terminal::give_back("");
            return Ending::Lost(error);
        }
    }
    terminal::give_back("");
    Ending::Left(state.context.summary)
}

/// The whole screen.
fn area(state: &State) -> Rect {
    let (width, height) = state.context.size;
    Rect::new(0, 0, width, height)
}

fn draw(terminal: &mut Terminal<Screen<Stdout>>, state: &State) {
    if state.place() == Place::Saving {
        panic_if_asked_to("drawing");
    }
    let drawn: Result<_, Infallible> = terminal.draw(|frame| view::draw(state, frame));
    match drawn {
        Ok(_) => {}
        Err(error) => match error {},
    }
}

/// `resize` clears and forgets what was shown, without asking the terminal anything.
fn repaint(terminal: &mut Terminal<Screen<Stdout>>, area: Rect) {
    match terminal.resize(area) {
        Ok(()) => {}
        Err(error) => match error {},
    }
}

/// To the shell and back. The signal goes to the whole process group, as the terminal itself would send it; in an
/// orphaned group (`ssh -t host kerio-tls`) the kernel ignores it, and the screen simply comes back.
fn suspend(terminal: &mut Terminal<Screen<Stdout>>, state: &State) {
    terminal::leave();
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
    let _ = terminal::take();
    terminal.backend_mut().enter();
    repaint(terminal, area(state));
}

/// The only reader of standard input; it is never stopped.
fn read_keys(to: Sender<Incoming>) -> io::Result<()> {
    std::thread::Builder::new().name(KEYS.to_owned()).spawn(move || {
        let mut decoder = Decoder::default();
        loop {
            // The one wait in the program: an Esc may be the first byte of an arrow on a slow line.
            let is_silent = decoder.holds_esc() && matches!(event::poll(LONE_ESC), Ok(false));
            let inputs = if is_silent {
                decoder.silence()
            } else {
                let Ok(event) = event::read() else { return };
                decoder.take(event, Instant::now())
            };
            for input in inputs {
                let incoming = match input {
                    Input::Key(key) => {
                        if key == Key::Char('!') {
                            panic_if_asked_to("reader");
                        }
                        Incoming::Key(key, Instant::now())
                    }
                    Input::Paste(text) => Incoming::Paste(text),
                    Input::Resize(width, height) => Incoming::Resize(width, height),
                };
                if to.send(incoming).is_err() {
                    return;
                }
            }
        }
    })?;
    Ok(())
}
