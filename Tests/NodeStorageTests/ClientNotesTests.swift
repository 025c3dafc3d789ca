import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// Beside what every `FormerClients` promises. Two objects stand for two processes: what `flock(2)` locks is the open file,
/// whoever has opened it.
@Suite struct ClientNotesTests {
    private static let me = NodeIdentity(node: "a", boot: "boot-1")

    /// The address is one of the documentation's.
    private func address(_ nonce: Int) throws -> ClientAddress { try #require(ClientAddress("192.0.2.1:0/\(nonce)")) }

    private func notes(_ bench: LinuxBench) -> ClientNotes {
        ClientNotes(stateFolder: bench.scratch.path, me: Self.me, kernel: bench.kernel)
    }

    private func run(_ body: (LinuxBench) async throws -> Void) async throws {
        try await LinuxBench.run("notes", body)
    }

    @Test func anotherRunThatLivesIsNoFormerOne() async throws {
        try await run { bench in
            let (living, other) = (notes(bench), notes(bench))
            try living.note([try address(1)])
            #expect(try await other.all().isEmpty)
            withExtendedLifetime(living) {}
        }
    }

    @Test func aRunThatDisconnectedInGoodOrderLeavesNothing() async throws {
        try await run { bench in
            let first = notes(bench)
            try first.note([try address(1)])
            first.discard()
            #expect(try await notes(bench).all().isEmpty)
            #expect(try bench.entries(bench.scratch.path + "/clients").isEmpty)
        }
    }

    @Test func aNewConnectionTakesThePlaceOfTheOneThatBroke() async throws {
        try await run { bench in
            do {
                let first = notes(bench)
                try first.note([try address(1)])
                try first.note([try address(2)])
                #expect(try await notes(bench).all().isEmpty)
            }
            #expect(try await notes(bench).all() == [address(2)])
        }
    }

    @Test func whatIsNoNoteDoesNoHarm() async throws {
        try await run { bench in
            try notes(bench).note([try address(1)])
            try await bench.tool("sh", "-c", "echo '{' >\(bench.scratch.path)/clients/0-broken")
            try await bench.tool("mkdir", "\(bench.scratch.path)/clients/0-folder")
            #expect(try await notes(bench).all() == [address(1)])
        }
    }

    @Test func oldNotesGoInTheEnd() async throws {
        try await run { bench in
            for nonce in 1...40 { try notes(bench).note([try address(nonce)]) }
            #expect(try await notes(bench).all().contains(try address(40)))
            #expect(try bench.entries(bench.scratch.path + "/clients").count <= 17)
        }
    }
}
