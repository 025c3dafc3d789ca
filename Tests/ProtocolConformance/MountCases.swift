import Rig

/// Mount, Unmount and Path.
extension ConformanceCase {
    static let mounting: [ConformanceCase] = [
        ConformanceCase("Mount and Path tell the same mountpoint") { subject in
            let volume = try await subject.volume("mounted")
            let mountpoint = try await subject.mount(volume, "a")
            let path = try await subject.client.path(volume).checked().mountpoint
            try require(path == mountpoint, "Path tells '\(path)', Mount told '\(mountpoint)'")
        },
        ConformanceCase("one id that mounts twice is two users, and each Unmount takes one away") { subject in
            // What docker cp does to a running container.
            let volume = try await subject.volume("twice")
            try await subject.mount(volume, "a")
            try await subject.mount(volume, "a")
            try await subject.unmount(volume, "a")
            try require(try await subject.isMounted(volume), "the first Unmount has taken it from the other user")
            try require(try await !subject.client.remove(volume).succeeded, "it was removed while in use")
            try await subject.unmount(volume, "a")
            try await subject.client.remove(volume).checked()
        },
        ConformanceCase("two ids are two users") { subject in
            let volume = try await subject.volume("shared")
            let first = try await subject.mount(volume, "a")
            let second = try await subject.mount(volume, "b")
            try require(first == second, "they got '\(first)' and '\(second)'")
            try await subject.unmount(volume, "a")
            try require(try await subject.isMounted(volume), "the Unmount of one has taken it from the other")
            try await subject.unmount(volume, "b")
            try await subject.client.remove(volume).checked()
        },
        ConformanceCase("an Unmount of an unknown id, or of what is not mounted, succeeds and changes nothing") {
            subject in
            let volume = try await subject.volume("unknown")
            try await subject.unmount(volume, "never")
            try await subject.mount(volume, "a")
            try await subject.unmount(volume, "never")
            try require(try await subject.isMounted(volume), "an unknown id has unmounted it")
            try await subject.unmount(volume, "a")
            try await subject.unmount(volume, "a")
            try await subject.unmount(uniqueName("nobody"), "a")
        },
        ConformanceCase("an id that was unmounted can mount again") { subject in
            let volume = try await subject.volume("again")
            for _ in 0..<3 {
                try await subject.mount(volume, "a")
                try await subject.unmount(volume, "a")
            }
            try await subject.client.remove(volume).checked()
        },
        ConformanceCase("Mounts of one volume at once all get it, and its Unmounts at once give it back") { subject in
            // Docker does not serialise them.
            let volume = try await subject.volume("crowd")
            let ids = (0..<8).map { "id\($0)" }
            let mountpoints = try await withThrowingTaskGroup(of: String.self) { group in
                for id in ids { group.addTask { try await subject.mount(volume, id) } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            try require(mountpoints.count == 1, "they got \(mountpoints.sorted())")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in ids { group.addTask { try await subject.unmount(volume, id) } }
                try await group.waitForAll()
            }
            try await subject.client.remove(volume).checked()
        },
        ConformanceCase("a Mount whose caller has gone is undone, for Docker never unmounts it") { subject in
            let volume = try await subject.volume("forsaken")
            do {
                let connection = try await subject.client.connect()
                try await connection.send(
                    DockerRequest.call("VolumeDriver.Mount", ["Name": .string(volume), "ID": "gone"]))
            }
            // While it has the volume, a Remove is refused; when it was undone, it succeeds.
            var answer = ""
            try await eventually("the Mount of a caller who has gone to be undone: \(answer)", within: .seconds(50)) {
                let removed = try await subject.client.remove(volume)
                answer = removed.error
                return removed.succeeded
            }
        },
    ]
}
