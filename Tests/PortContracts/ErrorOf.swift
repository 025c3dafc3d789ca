import VolumeCore

/// The `VolumeError` that `body` throws; `nil` when it throws none.
public func errorOf<Value>(_ body: () async throws -> Value) async -> VolumeError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? VolumeError
    }
}

public func errorOf<Value>(_ body: () throws -> Value) -> VolumeError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? VolumeError
    }
}
