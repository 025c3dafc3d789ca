import Rig

/// How bytes come and go.
extension ConformanceCase {
    static let wire: [ConformanceCase] = [
        ConformanceCase("Plugin.Activate comes without a body and is answered with VolumeDriver") { subject in
            let answer = try await subject.client.activate().checked()
            try require(answer.implements == ["VolumeDriver"], "it answered \(answer.text)")
        },
        ConformanceCase("connections that are closed without a byte do no harm") { subject in
            for _ in 0..<20 { _ = try await subject.client.connect() }
            try await subject.client.capabilities().checked()
        },
        ConformanceCase("a connection is kept and serves call after call, also after a rest") { subject in
            var connection = try await subject.client.connect()
            for round in 0..<10 {
                if round == 5 { try await Task.sleep(for: .seconds(3)) }
                let answer = try await connection.exchange(DockerRequest.call("VolumeDriver.Capabilities", [:]))
                try PluginAnswer(answer).checked()
                try require(answer.headers["content-length"] != nil, "the answer has no Content-Length")
                try require(answer.headers["connection"]?.lowercased() != "close", "it wants to close the connection")
            }
        },
        ConformanceCase("requests that arrive together are answered one by one, in their order") { subject in
            var connection = try await subject.client.connect()
            let names = (0..<4).map { _ in uniqueName("nobody") }
            let requests = try names.map {
                try DockerRequest.call("VolumeDriver.Unmount", ["Name": .string($0), "ID": "x"])
            }
            let list = try DockerRequest.call("VolumeDriver.Capabilities", [:])
            try await connection.send(requests.flatMap { $0 + list })
            for _ in names {
                _ = try PluginAnswer(try await connection.receive())
                let capabilities = try PluginAnswer(try await connection.receive())
                try require(capabilities.scope != nil, "the answers came in another order: \(capabilities.text)")
            }
        },
        ConformanceCase("many connections at once are all served") { subject in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await subject.client.list().checked() }
                }
                try await group.waitForAll()
            }
        },
        ConformanceCase("a body that comes in chunks is understood") { subject in
            let name = subject.name("chunks")
            let body = #"{"Name":"\#(name)","ID":"x"}"# + "\n"
            let half = body.utf8.count / 2
            let parts = [body.utf8.prefix(half), body.utf8.dropFirst(half)].map(Array.init)
            let head = """
                POST /VolumeDriver.Unmount HTTP/1.1\r
                Host: plugin\r
                Transfer-Encoding: chunked\r
                Accept: application/vnd.docker.plugins.v1.2+json\r
                \r

                """
            var connection = try await subject.client.connect()
            try await connection.send(Array(head.utf8))
            for part in parts {
                try await connection.send(
                    Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8))
            }
            try await connection.send(Array("0\r\n\r\n".utf8))
            _ = try PluginAnswer(try await connection.receive())
        },
        ConformanceCase("a request that comes in drops is understood") { subject in
            var connection = try await subject.client.connect()
            for byte in try DockerRequest.call("VolumeDriver.Capabilities", [:]) { try await connection.send([byte]) }
            try PluginAnswer(try await connection.receive()).checked()
        },
        ConformanceCase("a body that is no JSON is answered with an Err that Docker can decode") { subject in
            for body in ["{", "[]", "null", "{\"Name\":7}", "\u{0}"] {
                let answer = try PluginAnswer(
                    try await subject.client.call("VolumeDriver.Mount", body: Array(body.utf8)))
                try require(!answer.succeeded && !answer.error.isEmpty, "'\(body)' was answered with \(answer.text)")
            }
        },
        ConformanceCase("a retry without its body is refused, and a Get without one is not answered at all") {
            subject in
            for call in ["Create", "Remove", "Mount", "Unmount", "Path"] {
                let answer = try PluginAnswer(try await subject.client.call("VolumeDriver.\(call)", body: []))
                try require(!answer.succeeded && !answer.error.isEmpty, "\(call) was answered with \(answer.text)")
            }
            do {
                let answer = try await subject.client.call("VolumeDriver.Get", body: [])
                // Docker would take any answer for "this volume is gone", and forget who uses it.
                throw Violation("Get was answered with \(answer.status) \(answer.text)")
            } catch is ConnectionFailure {}
        },
    ]
}
