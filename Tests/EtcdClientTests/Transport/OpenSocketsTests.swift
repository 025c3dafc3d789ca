import Glibc
import Testing

@testable import EtcdClient

/// Asks the kernel by itself: this machine's libcurl may be one that looks at its connections anyway.
@Suite struct OpenSocketsTests {
    private func withPair(_ body: (_ near: Int32, _ far: Int32) throws -> Void) throws {
        var pair: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { for descriptor in pair { close(descriptor) } }
        try body(pair[0], pair[1])
    }

    @Test("A connection counts as closed once its peer has closed it, and no sooner")
    func peerCloses() throws {
        try withPair { near, far in
            let sockets = OpenSockets()
            #expect(!sockets.holdClosed)
            sockets.insert(near)
            #expect(!sockets.holdClosed)
            #expect(send(far, "x", 1, 0) == 1)
            #expect(!sockets.holdClosed, "what has arrived is no end")
            shutdown(far, Int32(SHUT_RDWR))
            #expect(sockets.holdClosed)
        }
    }

    @Test("One closed connection among living ones is seen, until libcurl lets go of it")
    func oneOfMany() throws {
        try withPair { living, _ in
            try withPair { near, far in
                let sockets = OpenSockets()
                sockets.insert(living)
                sockets.insert(near)
                shutdown(far, Int32(SHUT_RDWR))
                #expect(sockets.holdClosed)
                sockets.remove(near)
                #expect(!sockets.holdClosed)
            }
        }
    }
}
