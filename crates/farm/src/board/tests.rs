use super::*;
use crate::graph::{Cost, Costs};

const COST: Cost = Cost {
    cpu_seconds: 10.0,
    memory: 1,
};

fn graph(windows: usize) -> Graph {
    let costs = Costs {
        node: COST,
        final_proof: COST,
    };
    Graph::final_proof(&vec![COST; windows], &costs)
}

fn board(windows: usize) -> (Board, Vec<Order>) {
    Board::new(graph(windows), Rules::default(), &[])
}

const fn attempt(task: usize, number: u32) -> Attempt {
    Attempt { task, number }
}

const fn publish(task: usize, number: u32) -> Order {
    Order::Publish(attempt(task, number))
}

const fn withdraw(task: usize, number: u32) -> Order {
    Order::Withdraw(attempt(task, number))
}

const VALID: News = News::Result { is_valid: true };
const WRONG: News = News::Result { is_valid: false };

fn at(seconds: u64) -> Time {
    Duration::from_secs(seconds)
}

#[test]
fn what_is_ready_is_published_once_and_in_order() {
    let (mut board, orders) = board(2);
    assert_eq!(orders, [publish(0, 1), publish(1, 1)]);
    // The node over the second joint proof waits for nothing else.
    let orders = board.hear(attempt(1, 1), "a", VALID, at(5));
    assert_eq!(orders, [publish(3, 1)]);
    assert_eq!(board.hear(attempt(3, 1), "b", VALID, at(9)), []);
    let orders = board.hear(attempt(0, 1), "a", VALID, at(9));
    assert_eq!(orders, [publish(2, 1)]);
    let orders = board.hear(attempt(2, 1), "b", VALID, at(9));
    assert_eq!(orders, [publish(4, 1)], "a node over both");
    let orders = board.hear(attempt(4, 1), "a", VALID, at(9));
    assert_eq!(orders, [publish(5, 1)], "the final proof");
    assert_eq!((board.outcome(), board.left()), (Outcome::Open, 1));
    assert_eq!(board.hear(attempt(5, 1), "a", VALID, at(9)), []);
    assert_eq!((board.outcome(), board.left()), (Outcome::Done, 0));
    assert_eq!(board.next_look(), None);
    let done: Vec<(&str, f64)> = board.done_by().iter().map(|(w, s)| (&w[..], *s)).collect();
    assert_eq!(done, [("a", 40.0), ("b", 20.0)]);
}

#[test]
fn the_longest_way_begins_first() {
    let mut windows = [COST; 4];
    windows[2].cpu_seconds = 99.0;
    let graph = Graph::joint_proofs(&windows);
    let (_, orders) = Board::new(graph, Rules::default(), &[]);
    let first = [publish(2, 1), publish(0, 1), publish(1, 1), publish(3, 1)];
    assert_eq!(orders, first);
}

#[test]
fn what_is_there_is_not_made_again() {
    const DONE: Past = Past {
        is_done: true,
        attempts: 1,
        is_open: false,
    };
    // As after a restart of the coordinator: both joint proofs and a node.
    let (mut board, orders) = Board::new(graph(2), Rules::default(), &[DONE; 3]);
    assert_eq!(orders, [publish(3, 1)]);
    // A result of an attempt that is not known.
    let orders = board.hear(attempt(3, 4), "a", VALID, at(0));
    assert_eq!(orders, [withdraw(3, 1), publish(4, 1)]);
    // And what is done already.
    assert_eq!(board.hear(attempt(0, 1), "a", VALID, at(0)), []);
    let (board, orders) = Board::new(graph(2), Rules::default(), &[DONE; 6]);
    assert_eq!((orders, board.outcome()), (Vec::new(), Outcome::Done));
}

#[test]
fn attempts_from_before_a_restart_count() {
    let past = |attempts, is_open| Past {
        is_done: false,
        attempts,
        is_open,
    };
    let graph = Graph::joint_proofs(&[COST; 3]);
    let before = [past(2, true), past(2, false)];
    let (mut board, orders) = Board::new(graph.clone(), Rules::default(), &before);
    assert_eq!(orders, [publish(1, 3), publish(2, 1)]);
    // The one in the queue goes on.
    assert_eq!(board.hear(attempt(0, 2), "a", News::AtIt, at(1)), []);
    let orders = board.hear(attempt(0, 2), "a", News::Failed, at(2));
    assert_eq!(orders, [withdraw(0, 2), publish(0, 3)]);
    // All attempts were made, and none is open.
    let (board, orders) = Board::new(graph, Rules::default(), &[past(1, true), past(5, false)]);
    assert_eq!(board.outcome(), Outcome::Failed { task: 1 });
    assert_eq!(orders, [withdraw(0, 1)]);
}

#[test]
fn silence_ends_an_attempt() {
    let (mut board, _) = board(1);
    assert_eq!(board.next_look(), None, "it may wait in the queue for ever");
    assert_eq!(board.look(at(1_000_000)), []);
    // Rates are not known: patience would be over at 30 seconds.
    assert_eq!(board.hear(attempt(0, 1), "a", News::AtIt, at(100)), []);
    assert_eq!(board.next_look(), Some(at(130)));
    assert_eq!(board.look(at(129)), []);
    assert_eq!(board.look(at(130)), [publish(0, 2)], "beside the first");
    board.hear(attempt(0, 1), "a", News::AtIt, at(150));
    assert_eq!(board.next_look(), Some(at(270)));
    assert_eq!(board.look(at(269)), []);
    // The second still waits for a worker.
    assert_eq!(board.look(at(270)), [withdraw(0, 1)]);
    // The first comes late, and counts.
    let orders = board.hear(attempt(0, 1), "a", VALID, at(300));
    assert_eq!(orders, [withdraw(0, 2), publish(1, 1)]);
    // The second comes, too.
    assert_eq!(board.hear(attempt(0, 2), "b", VALID, at(301)), []);
    assert_eq!(board.done_by()["a"], 10.0);
    assert!(!board.done_by().contains_key("b"));
}

#[test]
fn slow_is_what_is_slower_than_others() {
    let (mut board, _) = Board::new(Graph::joint_proofs(&[COST; 3]), Rules::default(), &[]);
    for task in [0, 1, 2] {
        board.hear(attempt(task, 1), "slow", News::AtIt, at(0));
    }
    // Twice as many seconds as processor seconds: usual is 20, too much is 60.
    board.hear(attempt(0, 1), "slow", VALID, at(20));
    assert_eq!(board.next_look(), Some(at(60)));
    assert_eq!(board.look(at(60)), [publish(1, 2), publish(2, 2)]);
    board.hear(attempt(1, 2), "other", News::AtIt, at(61));
    // Two at a time are enough.
    assert_eq!(board.look(at(110)), []);
    let orders = board.hear(attempt(1, 2), "other", VALID, at(81));
    assert_eq!(orders, [withdraw(1, 1)]);
}

#[test]
fn attempts_are_counted() {
    let rules = Rules {
        attempts: 2,
        ..Rules::default()
    };
    let (mut board, _) = Board::new(Graph::joint_proofs(&[COST; 2]), rules, &[]);
    board.hear(attempt(0, 1), "a", News::AtIt, at(0));
    let orders = board.hear(attempt(0, 1), "a", News::Failed, at(1));
    assert_eq!(orders, [withdraw(0, 1), publish(0, 2)]);
    // Said twice, it is one failure; and nobody speaks for another's attempt.
    assert_eq!(board.hear(attempt(0, 1), "a", News::Failed, at(2)), []);
    board.hear(attempt(0, 2), "b", News::AtIt, at(2));
    assert_eq!(board.hear(attempt(0, 2), "a", News::Failed, at(3)), []);
    assert_eq!(board.attempts(0), 2);
    let orders = board.hear(attempt(0, 2), "b", News::Failed, at(4));
    assert_eq!(orders, [withdraw(0, 2), withdraw(1, 1)], "all is given up");
    assert_eq!(board.outcome(), Outcome::Failed { task: 0 });
    assert_eq!(board.hear(attempt(1, 1), "a", VALID, at(5)), []);
    assert_eq!((board.next_look(), board.look(at(1_000))), (None, vec![]));
}

#[test]
fn who_is_wrong_is_set_aside() {
    let (mut board, _) = Board::new(Graph::joint_proofs(&[COST; 3]), Rules::default(), &[]);
    board.hear(attempt(0, 1), "liar", News::AtIt, at(0));
    board.hear(attempt(1, 1), "liar", News::AtIt, at(0));
    board.hear(attempt(2, 1), "honest", News::AtIt, at(0));
    let orders = board.hear(attempt(0, 1), "liar", WRONG, at(1));
    let aside = Order::SetAside("liar".into());
    let again = [
        aside,
        withdraw(0, 1),
        publish(0, 2),
        withdraw(1, 1),
        publish(1, 2),
    ];
    assert_eq!(orders, again);
    assert!(board.is_set_aside("liar") && !board.is_set_aside("honest"));
    // It took another before it could know.
    let orders = board.hear(attempt(0, 2), "liar", News::AtIt, at(2));
    assert_eq!(orders, [withdraw(0, 2), publish(0, 3)]);
    board.hear(attempt(0, 3), "honest", News::AtIt, at(3));
    // What somebody else has stays with them.
    assert_eq!(board.hear(attempt(0, 3), "liar", News::AtIt, at(3)), []);
    // A wrong result under another's attempt does not end that.
    assert_eq!(board.hear(attempt(2, 1), "liar", WRONG, at(4)), []);
    assert_eq!(board.hear(attempt(2, 1), "honest", VALID, at(5)), []);
    assert_eq!(board.left(), 2);
    // What is valid is valid, whoever sent it.
    board.hear(attempt(1, 1), "liar", VALID, at(6));
    assert_eq!(board.left(), 1);
}

#[test]
fn of_what_there_is_not_nothing_follows() {
    let (mut board, _) = board(1);
    for news in [News::AtIt, VALID, WRONG, News::Failed] {
        assert_eq!(board.hear(attempt(99, 1), "a", news, at(0)), []);
    }
    let orders = board.hear(attempt(0, 7), "a", News::AtIt, at(0));
    assert_eq!(orders, [withdraw(0, 7)]);
    assert_eq!(board.hear(attempt(0, 7), "a", News::Failed, at(0)), []);
    assert_eq!(board.attempts(0), 1);
}
