import FoundationEssentials
import Rig
import SystemPackage
import Testing

/// The client sends what dockerd sends and tells apart what may come back. The other end is socat.
struct PluginClientTests {
    @Test("A Create is the very bytes that dockerd sends")
    func createBytes() throws {
        let request = try DockerRequest.call(
            "VolumeDriver.Create", ["Name": "v", "Opts": ["pool": "rbd/x"]])
        let text = String(decoding: request, as: UTF8.self)
        #expect(text.hasPrefix("POST /VolumeDriver.Create HTTP/1.1\r\n"))
        #expect(text.contains("\r\nAccept: application/vnd.docker.plugins.v1.2+json\r\n"))
        #expect(!text.contains("Content-Type"))
        #expect(text.hasSuffix("\r\n\r\n{\"Name\":\"v\",\"Opts\":{\"pool\":\"rbd/x\"}}\n"))
        #expect(text.contains("\r\nContent-Length: 37\r\n"))
    }

    @Test("Activate has no body")
    func activateBytes() {
        let text = String(decoding: DockerRequest.call("Plugin.Activate", body: []), as: UTF8.self)
        #expect(text.contains("\r\nContent-Length: 0\r\n"))
        #expect(text.hasSuffix("\r\n\r\n"))
    }

    @Test("An error in a 200 is an error, as it is to Docker")
    func errorIn200() async throws {
        let answer = try await answer(to: { try await $0.get("v") }, #"{"Err":"gone"}"#)
        #expect(answer.error == "gone")
        #expect(!answer.succeeded)
        #expect(throws: RigFailure.self) { try answer.checked() }
    }

    @Test("Get's volume is decoded whole")
    func volume() async throws {
        let answer = try await answer(
            to: { try await $0.get("v") },
            #"{"Volume":{"Name":"v","Mountpoint":"/m","CreatedAt":"2026-01-01T00:00:00Z","Status":{"size":1}},"Err":""}"#
        )
        #expect(answer.succeeded)
        #expect(answer.volume?.mountpoint == "/m")
        #expect(answer.volume?.status == ["size": 1])
    }

    @Test("A volume list that holds null is not what Docker can decode")
    func nullInList() async throws {
        await #expect(throws: RigFailure.self) {
            try await answer(to: { try await $0.list() }, #"{"Volumes":[null]}"#)
        }
    }

    @Test("A connection closed without an answer is told from one that is refused and from silence")
    func noAnswer() async throws {
        await #expect(throws: ConnectionFailure.closedWithoutAnswer) {
            try await PluginClientTests.serve("") { try await $0.list() }
        }
        await #expect(throws: ConnectionFailure.cannotConnect(.noSuchFileOrDirectory)) {
            try await PluginClient(socket: "/nowhere/rbd.sock").list()
        }
        await #expect(throws: ConnectionFailure.deadlinePassed) {
            try await PluginClientTests.serve("", thenSleep: true) {
                try await PluginClient(socket: $0.socket, within: .milliseconds(300)).list()
            }
        }
    }

    private func answer(
        to call: @Sendable (PluginClient) async throws -> PluginAnswer, _ body: String
    ) async throws -> PluginAnswer {
        try await Self.serve(
            "HTTP/1.1 200 OK\\r\\nContent-Length: \(body.utf8.count)\\r\\n\\r\\n\(body)", call)
    }

    /// Lets the client talk to a server that says one thing, whatever it is asked.
    private static func serve<Result: Sendable>(
        _ said: String, thenSleep: Bool = false, _ body: @Sendable (PluginClient) async throws -> Result
    ) async throws -> Result {
        let scratch = try ScratchFolder("c", of: .required())
        let socket = scratch.path + "/s"
        let reply = scratch.path + "/reply"
        let bytes = said.replacing("\\r", with: "\r").replacing("\\n", with: "\n")
        try Data(bytes.utf8).write(to: URL(filePath: reply))
        let script = "head -c 100 >/dev/null; cat \(reply)" + (thenSleep ? "; sleep 5" : "")
        let server = try SpawnedProcess(
            "/usr/bin/socat", ["UNIX-LISTEN:\(socket)", "SYSTEM:\(script)"],
            environment: ["PATH": "/usr/bin:/bin"], log: scratch.path + "/log")
        defer { server.signal(9) }
        try await eventually("socat to listen") { FileManager.default.fileExists(atPath: socket) }
        let result: Result
        do {
            result = try await body(PluginClient(socket: socket))
        } catch {
            server.signal(9)
            try await server.waitForEnd()
            try await scratch.sweep()
            throw error
        }
        server.signal(9)
        try await server.waitForEnd()
        try await scratch.sweep()
        return result
    }
}
