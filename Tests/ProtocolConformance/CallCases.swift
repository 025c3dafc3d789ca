import FoundationEssentials
import Rig

/// Create, Remove, Get, List and Capabilities.
extension ConformanceCase {
    static let calls: [ConformanceCase] = [
        ConformanceCase("Capabilities tells a scope that Docker knows") { subject in
            let scope = try await subject.client.capabilities().checked().scope
            try require(scope == "local" || scope == "global", "it told \(scope ?? "nothing")")
        },
        ConformanceCase("a Get of a volume that does not exist is an error, not an empty answer") { subject in
            let answer = try await subject.client.get(uniqueName("nobody"))
            try require(!answer.succeeded, "it answered \(answer.text)")
        },
        ConformanceCase("a created volume is shown by Get and List under its exact name, as Docker can decode it") {
            subject in
            let name = try await subject.volume("Shown.with-Case")
            let got = try await subject.client.get(name).checked()
            try require(got.volume?.name == name, "Get answered \(got.text)")
            let listed = try await subject.client.list().checked()
            guard let volumes = listed.volumes else { throw Violation("List has no Volumes: \(listed.text)") }
            try require(volumes.contains { $0.name == name }, "List does not have it")
            let body = try JSONValue(parsing: got.text)
            try require(
                [nil, .object(body["Volume"]?["Status"]?.object ?? [:])].contains(body["Volume"]?["Status"]),
                "Status is no object")
            if let createdAt = got.volume?.createdAt {
                try require((try? Date(createdAt, strategy: .iso8601)) != nil, "CreatedAt is '\(createdAt)'")
            }
        },
        ConformanceCase("Creates of one name with the same options all succeed, one after another and at once") {
            subject in
            let name = subject.name("raced")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await subject.client.create(name, options: subject.options).checked() }
                }
                try await group.waitForAll()
            }
            try await subject.client.create(name, options: subject.options).checked()
        },
        ConformanceCase("Opts that are null are answered") { subject in
            // Success where there is a default for everything, an Err where there is not.
            let answer = try await subject.client.create(subject.name("null"), options: nil)
            try require(answer.succeeded || !answer.error.isEmpty, "it answered \(answer.text)")
        },
        ConformanceCase("names that are none are refused, or taken as they are, and nothing is touched but the volume")
        {
            subject in
            let names = [
                "", "/", "..", "../../etc", "a b", "a/b", "a\u{0}b", "\u{FFFD}", String(repeating: "n", count: 10_000),
            ]
            for name in names {
                let created = try await subject.client.create(name, options: subject.options)
                let path = try await subject.client.path(name)
                try require(created.succeeded || !path.succeeded, "'\(name.prefix(20))' was refused and has a path")
                if created.succeeded { try await subject.client.remove(name).checked() }
            }
            try await subject.client.capabilities().checked()
        },
        ConformanceCase("a removed volume is gone, and can be created anew") { subject in
            let name = try await subject.volume("removed")
            try await subject.client.remove(name).checked()
            try require(try await !subject.client.get(name).succeeded, "Get still has it")
            try await subject.client.create(name, options: subject.options).checked()
        },
    ]
}
