//! Programs of the standard library's own documentation and the likes of it: they know nothing of a simulation.

use crate::common::*;
use simulation::words::{Deed, MS, Ran, SECOND};

/// The last node's output is the expected one; servers go on waiting. Others start when the server listens.
fn check(nodes: &[&str], expected: &str) -> Ran {
    let mut cluster = cluster(nodes);
    for (index, node) in cluster.nodes.iter_mut().enumerate() {
        node.starts_at = index as u64 * 100 * MS;
    }
    cluster.until = 25 * SECOND;
    let ran = run(&cluster);
    assert_eq!(stdout(&ran, nodes.len() - 1).trim_end(), expected, "{}", all(&ran));
    assert_eq!(stderr(&ran, nodes.len() - 1), "", "{}", all(&ran));
    ran
}

fn pair(program: &str, expected: &str) -> Ran {
    let (file, arguments) = program.split_once(' ').unwrap_or((program, ""));
    check(
        &[
            format!("server: {file} server {arguments}").trim_end(),
            format!("client: {file} client {arguments}").trim_end(),
        ],
        expected,
    )
}

#[test]
fn blocking_sockets() {
    pair("echo.py", "one\ntwo\nthree\n('10.0.0.1', 7000) 10.0.0.2\nb''");
}

#[test]
fn selectors() {
    for kind in ["DefaultSelector", "SelectSelector", "PollSelector"] {
        pair(&format!("selectors_echo.py {kind}"), "[b'a0b0', b'a1b1', b'a2b2', b'a3b3']");
    }
}

#[test]
fn poll_and_select() {
    pair("poll_echo.py", "[]\n[True] b'HELLO'\n[] True");
}

#[test]
fn a_chat_by_select() {
    let ran = check(
        &["server: select_chat.py server", "other: select_chat.py listener", "client: select_chat.py talker"],
        "",
    );
    assert_eq!(stdout(&ran, 1), "hello everybody\n", "{}", all(&ran));
}

#[test]
fn socketserver_streams() {
    pair("socketserver_tcp.py abc hello", "cba\nolleh");
}

#[test]
fn socketserver_datagrams() {
    pair(
        "socketserver_udp.py",
        "(b'HELLO', ('10.0.0.1', 9999))\nb'AGAIN' ('10.0.0.1', 9999)\nTimeoutError('timed out')",
    );
}

#[test]
fn http_server_and_urllib() {
    pair(
        "http_files.py",
        "200 text/plain b'a page\\n'\nTrue\nHTTP Error 404: File not found\nConnectionRefusedError\ngaierror",
    );
}

#[test]
fn http_client_keeps_its_connection() {
    pair("http_post.py", "200 b'3'\n200 b'4999950000'");
}

#[test]
fn xmlrpc() {
    pair("xmlrpc_calls.py", "1024\n(27, 32)\npow\n1 True");
}

#[test]
fn asyncio_streams() {
    pair("asyncio_echo.py", "CLIENT 0 CLIENT 19\nConnectionRefusedError\nTimeoutError()");
}

#[test]
fn asyncio_datagrams() {
    pair("asyncio_datagrams.py", "all came back");
}

#[test]
fn asyncio_protocols_and_timers() {
    pair("asyncio_protocol.py", "tick 0\ntick 10\ntick 20");
}

#[test]
fn json_rpc() {
    pair("json_rpc.py", "{'id': 1, 'result': 5}\n{'id': 2, 'error': \"ZeroDivisionError('division by zero')\"}\n3");
}

#[test]
fn smtplib() {
    let ran = pair("smtp_mail.py", "{} {'size': '10000'}");
    assert_eq!(stdout(&ran, 0), "The text.\n", "{}", all(&ran));
}

#[test]
fn ftplib() {
    pair("ftp_files.py", "['a.txt', 'b.txt']\n100000\ntext of a");
}

#[test]
fn poplib() {
    pair("pop_mail.py", "b'+OK' b'+OK' (2, 20)\n[b'1 10', b'2 10'] [b'Subject: x', b'', b'body']");
}

#[test]
fn imaplib() {
    pair("imap_mail.py", "OK ('OK', [b'3']) ('OK', [b'1 3'])");
}

#[test]
fn wsgiref() {
    pair("wsgi_app.py", "GET /some/path");
}

#[test]
fn cookies_redirections_and_robots() {
    pair("cookies.py", "b'Set-Cookie: session=abc'\n[('session', 'abc', 'server.local')]\nFalse True");
}

#[test]
fn logging_over_sockets() {
    let ran = check(
        &[
            "server: logging_sockets.py server",
            "syslog: logging_sockets.py syslog",
            "client: logging_sockets.py client",
        ],
        "",
    );
    assert_eq!(stdout(&ran, 0), "app INFO started with 3\napp.part WARNING careful\n", "{}", all(&ran));
    assert_eq!(stdout(&ran, 1), "b'<14>started with 3\\x00'\nb'<12>careful\\x00'\n", "{}", all(&ran));
}

#[test]
fn sqlite_behind_a_socket() {
    pair("sqlite_server.py", "[]\n[]\n[(3,)]\nOperationalError");
}

#[test]
fn ipv6() {
    let ran = pair("ipv6_echo.py", "True\nb'six' True");
    assert_eq!(stdout(&ran, 0), "6\n", "{}", all(&ran));
}

#[test]
fn two_megabytes_through_a_window() {
    pair("flow.py", "True True");
}

#[test]
fn broadcast() {
    let ran = pair("broadcast.py", "");
    assert_eq!(stdout(&ran, 0), "b'who is there?'\n", "{}", all(&ran));
}

#[test]
fn errors_are_those_of_linux() {
    let mut cluster = cluster(&["server: refusals.py server", "off: refusals.py", "client: refusals.py client"]);
    cluster.nodes[1].starts_at = 1_000_000 * MS;
    cluster.script = vec![at(0.0, Deed::Partition(vec![vec![0, 2], vec![1]]))];
    cluster.nodes[2].starts_at = 100 * MS;
    let ran = run(&cluster);
    let expected = "ConnectionRefusedError 0.0\ngaierror 0.0\nb''\nBrokenPipeError 1.0\n('10.0.0.1', 7000)\nOSError 0.0\nTimeoutError 3.0\n";
    assert_eq!(stdout(&ran, 2), expected, "{}", all(&ran));
    assert_eq!(stdout(&ran, 0), "EADDRINUSE\n", "{}", all(&ran));
}

#[test]
fn hours_pass_in_no_time() {
    let mut cluster = cluster(&["client: schedule.py"]);
    cluster.until = 100_000 * SECOND;
    assert_eq!(stdout(&run(&cluster), 0), "1 3600\n2 7200\n3 10800\n2026-01-01T03:00+00:00 True\n");
}

#[test]
fn addresses_are_found_as_on_linux() {
    check(
        &["client: addresses.py"],
        "[('SOCK_STREAM', 6, '10.0.0.1'), ('SOCK_DGRAM', 17, '10.0.0.1')]\n[('SOCK_DGRAM', 17, '10.0.0.1')]\n\
         [('SOCK_STREAM', 6, '0.0.0.0'), ('SOCK_STREAM', 6, '::')]\n[('SOCK_DGRAM', 17, 'fd00::1')]\ngaierror",
    );
}
