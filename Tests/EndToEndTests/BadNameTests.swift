import Rig
import Testing

/// Names as they do arrive: the Docker daemon checks nothing for plugins.
@Suite("Bad names")
struct BadNameTests {
    private static let names: [String] = [
        "", ".", "..", "../victim", "../../victim", "volumes/../../victim", "a/b", "/etc", "/", "a/../b", "./a",
        "a\u{0}b", "\u{0}", " ", "a b", " a", "a\n", "\t", "-x", "--force", "-", "é", "名前", "a\u{202E}b", "😀",
        "a@b", "a:b", "a,b", "a;b", "a$(reboot)", "a'b", "a\"b", "a\\b", "*", ".hidden",
        String(repeating: "x", count: 201), String(repeating: "x", count: 5000), String(repeating: "../", count: 1700),
    ]

    @Test("In no call does a bad name do anything, least of all to a filesystem that it leads to")
    func refused() async throws {
        try await Stage.with { stage in
            let victim = try await MountedVictim(on: stage)
            // From the mount root, this leads to the mounted volume and round to it again.
            for name in Self.names + ["../volumes/\(victim.volume)", "\(victim.volume)/.", "./\(victim.volume)"] {
                try await Self.tryEveryCall(with: name, on: stage)
                if name.contains("victim") { try await victim.expectUntouched(after: "calls for '\(name)'") }
            }
            try await victim.expectUntouched(after: "calls for bad names")
            let listed = try await stage.client.list().checked().volumes?.map(\.name)
            #expect(listed == [victim.volume])
        }
    }

    private static func tryEveryCall(with name: String, on stage: Stage) async throws {
        let client = stage.client
        let shown = Comment(rawValue: "the name '\(name.prefix(60))'")
        let created = try await client.create(name, options: stage.options())
        #expect(!created.error.isEmpty, shown)
        #expect(try await !client.mount(name, id: "id").error.isEmpty, shown)
        // No volume has such a name: that is certain, and Docker may be told.
        #expect(try await !client.get(name).error.isEmpty, shown)
        #expect(try await client.path(name).mountpoint.isEmpty, shown)
        // An Unmount of what is not there may succeed: it just must not do anything.
        _ = try await client.unmount(name, id: "id")
        _ = try await client.unmount(name, id: "victim")
        #expect(try await !client.remove(name).error.isEmpty, shown)
        #expect(created.error.utf8.count < 1000, "an error is for people")
    }

    @Test("The longest name, and every character that is allowed")
    func accepted() async throws {
        try await Stage.with { stage in
            for name in ["0", "A.b_c-D9", "x.", "x-", "a..b", String(repeating: "n", count: 200)] {
                try await stage.client.create(name, options: stage.options(["size": "16"])).checked()
                let mountpoint = try await stage.client.mount(name, id: "id").checked().mountpoint
                #expect(mountpoint == "\(stage.plugin.mountRoot)/\(name)")
                #expect(try await stage.client.get(name).checked().volume?.name == name)
                try await stage.client.unmount(name, id: "id").checked()
                try await stage.client.remove(name).checked()
            }
            try await stage.expectBlank()
        }
    }

    @Test("Calls for a volume that does not exist say so; an Unmount succeeds")
    func unknown() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, uniqueName("nobody"))
            #expect(try await client.get(name).error.contains("no such volume"))
            #expect(try await client.path(name).error.contains("no such volume"))
            #expect(try await client.mount(name, id: "id").error.contains("no such volume"))
            #expect(try await client.remove(name).error.contains("no such volume"))
            try await client.unmount(name, id: "id").checked()
            try await stage.expectBlank()
        }
    }
}
