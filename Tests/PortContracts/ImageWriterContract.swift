import Testing
import VolumeCore

/// What an `ImageStore` promises about the notes in an image of who may write to it.
extension ImageStoreContract {
    static let writerPromises: [ContractCase<Self>] = [
        .init("E3: a noted writer is told by name and by id, once, until it is forgotten") { try await $0.notes() },
        .init("E3: notes go along with a rename and into the trash") { try await $0.notesGoAlong() },
        .init("E3: nothing is noted in an image that is gone, and nothing comes to be by it") {
            try await $0.notesNothing()
        },
        .init("E3: notes can be made and taken away while the image is mapped") { try await $0.notesMapped() },
        .init("inspect by id finds nothing elsewhere, and nothing of an id that never was") { try await $0.byID() },
    ]

    private func client(_ nonce: Int) throws -> ClientAddress { try #require(ClientAddress("10.1.2.3:0/\(nonce)")) }

    private func notes() async throws {
        let (first, second) = (try client(1), try client(2))
        try await withImage("writers") { image, id in
            #expect(try await images.inspect(image)?.writers == [])
            for _ in 1...2 { try await images.noteWriter(first, in: image, id: id) }
            try await images.noteWriter(second, in: image, id: id)
            let found = try #require(await images.inspect(image))
            #expect(found.writers == [first, second])
            #expect(found.uid == "uid-writers")
            #expect(try await images.inspect(id: id, in: image.trash) == found)
            for _ in 1...2 { try await images.forgetWriters([first], in: image, id: id) }
            #expect(try await images.inspect(image)?.writers == [second])
            try await images.forgetWriters([first, second], in: image, id: id)
            #expect(try await images.inspect(image)?.writers == [])
        }
    }

    private func notesGoAlong() async throws {
        let client = try client(3)
        let image = place.image("writers-away")
        let id = try await images.create(image, spec: place.spec(), uid: "uid-away")
        try await images.noteWriter(client, in: image, id: id)
        let renamed = image.named(image.name + ".old")
        try await images.rename(image, to: renamed.name)
        #expect(try await images.inspect(image) == nil)
        #expect(try await images.inspect(renamed)?.writers == [client])
        // Whoever knows the id need not know the name.
        #expect(try await images.inspect(id: id, in: image.trash)?.writers == [client])
        let removed = VolumeRecord.removedPrefix + "uid-away." + image.name
        try await images.moveToTrash(renamed, id: id, as: removed)
        #expect(try await images.inspect(id: id, in: image.trash)?.writers == [client])
        try await images.forgetWriters([client], in: image, id: id)
        #expect(try await images.inspect(id: id, in: image.trash)?.writers == [])
        for trashed in try await images.trashed(in: image.trash) where trashed.id == id {
            try await images.emptyTrash(trashed)
        }
        #expect(try await images.inspect(id: id, in: image.trash) == nil)
    }

    private func notesNothing() async throws {
        let client = try client(4)
        let image = place.image("writers-gone")
        let id = try await images.create(image, spec: place.spec(), uid: "uid")
        try await images.remove(image, id: id)
        await expectFailure(.notFound, "noting a writer of an image that is gone") {
            try await images.noteWriter(client, in: image, id: id)
        }
        try await images.forgetWriters([client], in: image, id: id)
        #expect(try await images.inspect(id: id, in: image.trash) == nil)
        #expect(try await images.create(image, spec: place.spec(), uid: "uid") != id)
        #expect(try await images.inspect(image)?.writers == [])
        try await images.remove(image, id: nil)
    }

    private func notesMapped() async throws {
        let client = try client(5)
        try await withImage("writers-mapped") { image, id in
            let device = try await mapper.map(image, id: id, options: [])
            try await cleaningUp {
                try await images.noteWriter(client, in: image, id: id)
                let found = try #require(await images.inspect(image))
                #expect(found.writers == [client])
                #expect(!found.watchers.contains(client))
                try await images.forgetWriters([client], in: image, id: id)
                #expect(try await images.inspect(image)?.writers == [])
            } after: {
                try await mapper.unmap(device)
            }
        }
    }

    private func byID() async throws {
        try await withImage("by-id") { image, id in
            let inner = place.image("by-id", namespaced: true)
            let elsewhere = try await images.inspect(id: id, in: inner.trash)
            #expect(elsewhere == nil)
            let never = try await images.inspect(id: id + "0", in: image.trash)
            #expect(never == nil)
        }
    }
}
