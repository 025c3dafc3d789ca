import VolumeCore

/// What `docker volume create` with these options is refused with; `nil` when it is not.
func failure(_ options: [String: String]) -> VolumeError? {
    do {
        _ = try VolumeRequest(options: options, defaults: VolumeDefaults(pool: "rbd"))
        return nil
    } catch {
        return error
    }
}
