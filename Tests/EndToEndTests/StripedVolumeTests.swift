import FoundationEssentials
import Rig
import Testing

/// Volumes whose bytes go to several objects in turn.
@Suite("Striped volumes")
struct StripedVolumeTests {
    @Test(
        "What is written to a striped volume is read on another node, and its filesystem is sound",
        arguments: [("ext4", "64M"), ("xfs", "300M")])
    func acrossNodes(filesystem: String, size: String) async throws {
        try await Stage.with { stage in
            let bytes = randomBytes(8 << 20)
            let name = try await stage.volume(
                "striped",
                ["fstype": filesystem, "size": size, "stripe-unit": "64K", "stripe-count": "4", "order": "20"])
            let info = try await stage.imageInfo(of: name)
            #expect(info["stripe_unit"] == 65536 && info["stripe_count"] == 4)
            #expect(info["features"]?.array.compactMap(\.string).contains("striping") == true)
            let shown = try await stage.client.get(name).checked().volume?.status
            #expect(shown?["striping"] == "64K in each of 4 objects")

            let mountpoint = try await stage.client.mount(name, id: "here").checked().mountpoint
            try write(bytes, to: mountpoint + "/data")
            try await stage.client.unmount(name, id: "here").checked()
            try await stage.expectSoundFilesystem(name, after: "being written striped")
            try await stage.withAnotherNode { _, client in
                let elsewhere = try await client.mount(name, id: "there").checked().mountpoint
                #expect(try read(elsewhere + "/data") == bytes)
                try await client.unmount(name, id: "there").checked()
            }
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("The same Create again finds the volume, and one with other stripes is refused by their name")
    func repeated() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("striped", ["stripe-unit": "64K", "stripe-count": "4"])
            let same = stage.options(["stripeUnit": "65536", "stripe_count": "4"])
            try await stage.client.create(name, options: same).checked()
            try await stage.client.create(name, options: stage.options()).checked()
            let other = stage.options(["stripe-unit": "64K", "stripe-count": "8"])
            let answer = try await stage.client.create(name, options: other)
            #expect(answer.error.contains("it exists with stripe-count=4"), "\(answer.error)")
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }
}
