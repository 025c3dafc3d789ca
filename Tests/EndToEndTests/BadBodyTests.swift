import Rig
import Testing

/// What arrives instead of a request. Docker's own retries can carry an empty body.
@Suite("Bad requests")
struct BadBodyTests {
    private static let calls = ["Create", "Remove", "Mount", "Path", "Unmount", "Get"].map { "VolumeDriver.\($0)" }

    private static let bodies: [(String, String)] = [
        ("empty", ""),
        ("truncated", #"{"Name":"#),
        ("no JSON", "Name=x"),
        ("no UTF-8", "\u{0}"),
        ("an array", #"["x"]"#),
        ("a string", #""x""#),
        ("null", "null"),
        ("no name", "{}"),
        ("a null name", #"{"Name":null}"#),
        ("a number for a name", #"{"Name":5}"#),
        ("an object for a name", #"{"Name":{}}"#),
    ]

    private static let badForCreate: [(String, String)] = [
        ("an array for options", #"{"Name":"x","Opts":["size=5"]}"#),
        ("a string for options", #"{"Name":"x","Opts":"size=5"}"#),
        ("a number for an option", #"{"Name":"x","Opts":{"pool":"rbd","size":206}}"#),
        ("null for an option", #"{"Name":"x","Opts":{"pool":"rbd","size":null}}"#),
    ]

    @Test("A body that is no request is answered with 400 and an Err, a Get by hanging up, and nothing happens")
    func badBodies() async throws {
        try await Stage.with { stage in
            let victim = try await MountedVictim(on: stage)
            for call in Self.calls {
                for (kind, body) in Self.bodies + (call.hasSuffix("Create") ? Self.badForCreate : []) {
                    try await Self.expectRefusal(of: call, Array(body.utf8), kind, status: 400, on: stage)
                }
            }
            try await victim.expectUntouched(after: "malformed bodies")
        }
    }

    @Test("A body of 3 MB is refused with 413")
    func longBody() async throws {
        try await Stage.with { stage in
            let victim = try await MountedVictim(on: stage)
            let long =
                Array(#"{"Name":""#.utf8) + Array(repeating: UInt8(ascii: "x"), count: 3 << 20) + Array(#""}"#.utf8)
            for call in Self.calls {
                try await Self.expectRefusal(of: call, long, "3 MB", status: 413, on: stage)
            }
            try await victim.expectUntouched(after: "long bodies")
        }
    }

    private static func expectRefusal(
        of call: String, _ body: [UInt8], _ kind: String, status: Int, on stage: Stage
    ) async throws {
        if call == "VolumeDriver.Get" {
            // An error would say to Docker that the volume is gone.
            await #expect(throws: ConnectionFailure.self, "\(call), \(kind)") {
                _ = try await stage.client.call(call, body: body)
            }
            return
        }
        let answer = try await stage.client.call(call, body: body)
        #expect(answer.status == status, "\(call), \(kind)")
        #expect(try !PluginAnswer(answer).error.isEmpty, "\(call), \(kind): \(answer.text)")
    }

    @Test("200 idle and half-sent connections are in nobody's way")
    func crowd() async throws {
        try await Stage.with { stage in
            var crowd: [HeldConnection] = []
            for number in 0..<200 {
                let held = HeldConnection(try await stage.client.connect())
                if !number.isMultiple(of: 2) {
                    try await held.send(
                        "POST /VolumeDriver.Mount HTTP/1.1\r\nContent-Length: 30\r\n\r\n{\"Name\":\"x\"")
                }
                crowd.append(held)
            }
            let name = try await stage.volume("crowd")
            try await stage.client.mount(name, id: "id").checked()
            try await stage.client.unmount(name, id: "id").checked()
            try await stage.client.remove(name).checked()
            crowd.removeAll()
            #expect(try await stage.client.list().checked().volumes == [])
            try await stage.expectBlank()
        }
    }

    @Test("What does not speak HTTP, or asks for what is not there, gets an answer and harms nobody")
    func noHTTP() async throws {
        try await Stage.with { stage in
            let unknown = try await stage.client.call("VolumeDriver.Explode", body: [])
            #expect(unknown.status == 404)
            #expect(try !PluginAnswer(unknown).error.isEmpty)
            let wrongMethod = try await stage.client.fetch("/VolumeDriver.List")
            #expect(wrongMethod.status == 405)
            let noise = try await stage.client.exchange(Array("\u{16}\u{3}\u{1} hello\r\n\r\n".utf8))
            #expect(noise.status == 400)
            // Docker's readiness check: connect and close.
            for _ in 0..<20 { _ = HeldConnection(try await stage.client.connect()) }
            #expect(try await stage.client.list().checked().volumes == [])
        }
    }
}

/// A connection that an array can hold.
private final class HeldConnection {
    private let connection: PluginConnection

    init(_ connection: consuming PluginConnection) { self.connection = connection }

    func send(_ text: String) async throws { try await connection.send(Array(text.utf8)) }
}
