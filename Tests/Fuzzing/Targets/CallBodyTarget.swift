import FoundationEssentials
import LocalHTTP

@testable import DockerVolumeAPI

/// The bodies of Docker's calls, and the answer that shows the names of volumes again.
struct CallBodyTarget: FuzzTarget {
    let name = "call-body"
    let words = [
        "\"Name\":", "\"ID\":", "\"Opts\":", "null", "db", "2026-01-02T03:04:05Z", "\\u0000", "\\ud800", "\\n",
    ]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        try Self.listIsRead(text(input))
        var kinds: [String] = []
        for operation in [Operation.create, .mount, .get] {
            do throws(BadRequest) {
                let request = try VolumeRequest(operation, body: input)
                kinds.append(request?.volume.map { "\(min($0.utf8.count, 3))" } ?? "none")
            } catch {
                try hold(error.description.hasPrefix(operation.title), "a refusal of another call: \(error)")
                kinds.append(kind(error.reason))
            }
        }
        let uri = Routes.find(RequestTarget(method: "POST", uri: text(input)))
        if case .success(let route) = uri { kinds.append("\(route)") }
        return kinds.joined(separator: " ")
    }

    private struct Listing: Decodable {
        struct Volume: Decodable { let Name: String }

        let Volumes: [Volume]
    }

    private static func listIsRead(_ name: String) throws(Broken) {
        let volumes = [name, "db"].map { VolumeDescription(name: $0, mountpoint: $0, createdAt: name) }
        let bytes = VolumeListText.encode(volumes)
        let read = try? JSONDecoder().decode(Listing.self, from: Data(bytes)).Volumes.map(\.Name)
        // Byte by byte: Swift takes two ways of writing a letter for one.
        try hold(
            read.map { $0.map { Array($0.utf8) } } == [Array(name.utf8), Array("db".utf8)], "the list shows other names"
        )
    }
}
