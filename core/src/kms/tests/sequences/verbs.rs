//! The verbs, each with things and templates of chance.

use super::*;

impl World {
    pub(super) fn create(&mut self) {
        let account = self.below(2);
        let (lifetime, held, process) = self.lifetime();
        let bits = if self.coin() { 128 } else { 256 };
        let mut request = CreateKey::new(KeySpec::Aes { bits });
        request.secret = self.attributes("made");
        request.lifetime = lifetime;
        let caller = Arc::clone(&self.callers[account][self.below(2)]);
        let created = self.processes[process].create_key(&caller, request);
        if let Some(created) = self.judged("create", created) {
            let thing = Thing {
                id: created.secret,
                account,
                process: held,
            };
            self.made(Verb::Create, process, thing, true);
        }
    }

    fn template(&mut self, lifetime: Lifetime, spec: Option<KeySpec>) -> Register {
        let mut template = Register::new(ObjectClass::SecretKey, SecretBytes::default());
        template.attributes = self.attributes("brought");
        template.lifetime = lifetime;
        template.spec = spec;
        template
    }

    pub(super) fn register(&mut self) {
        let account = self.below(2);
        let (lifetime, held, process) = self.lifetime();
        let bytes = self.output();
        let length = if bytes.len() < 32 { 16 } else { 32 };
        let Some(value) = bytes.get(..length) else {
            return;
        };
        let bits = u32::try_from(length * 8).expect("bits");
        let mut request = self.template(lifetime, Some(KeySpec::Aes { bits }));
        request.value = Some(SecretBytes::from(value));
        let caller = Arc::clone(&self.callers[account][self.below(2)]);
        let made = self.processes[process].register(&caller, request);
        if let Some(id) = self.judged("register", made) {
            let thing = Thing {
                id,
                account,
                process: held,
            };
            self.made(Verb::Register, process, thing, false);
        }
    }

    pub(super) fn copy(&mut self) {
        let Some(thing) = self.thing() else { return };
        let (process, caller) = self.place(thing);
        let (mut lifetime, mut held, _) = self.lifetime();
        if held.is_some() {
            held = Some(process);
        } else if self.coin() {
            lifetime = Lifetime::Stored;
        }
        let wanted = self.attributes("copy");
        let all = self.coin();
        let made = self.processes[process].copy(&caller, thing.id, lifetime, &mut |attributes| {
            if all {
                attributes.sensitive = wanted.sensitive;
                attributes.extractable = wanted.extractable;
            }
            Ok(())
        });
        if let Some(id) = self.judged("copy", made) {
            let copied = Thing {
                id,
                process: held,
                ..thing
            };
            self.done.push((thing.account, Verb::Copy, thing.id));
            self.made(Verb::Copy, process, copied, false);
            // The audit names what was copied.
            self.done.pop_if(|(_, _, named)| *named == id);
            let (before, after) = (self.flags.get(&thing.id), self.object(process, id));
            if let (Some(before), Some(after)) = (before, after) {
                assert!(is_as_strict(Imprint::of(&after.attributes), *before));
                let source = self.object(process, thing.id);
                if lifetime == Lifetime::Stored
                    && let Some(source) = source.filter(|source| imprints::is_hidden(source))
                    && let Some(value) = value_of(thing.account, &source)
                {
                    let strict = self.strict.entry(value).or_default();
                    *strict = strict.and(Imprint::of(&source.attributes));
                }
            }
        }
    }

    pub(super) fn modify(&mut self) {
        let Some(thing) = self.thing() else { return };
        let (process, caller) = self.place(thing);
        let wanted = self.attributes("changed");
        let which = self.below(4);
        let done = self.processes[process].modify(&caller, thing.id, &mut |attributes| {
            match which {
                0 => attributes.sensitive = wanted.sensitive,
                1 => attributes.extractable = wanted.extractable,
                2 => attributes.wrap_with_trusted = wanted.wrap_with_trusted,
                _ => attributes.label.push('x'),
            }
            Ok(())
        });
        if self.judged("modify", done).is_some() {
            self.done.push((thing.account, Verb::Modify, thing.id));
            if let Some(object) = self.object(process, thing.id) {
                self.remember(&object);
            }
        }
    }

    fn mechanism(&mut self) -> Mechanism {
        match self.below(5) {
            0 => Mechanism::Ecb,
            1 => Mechanism::Cbc { iv: [0; 16] },
            2 => gcm(),
            3 => Mechanism::KeyWrap { iv: None },
            _ => Mechanism::KeyWrapPad,
        }
    }

    pub(super) fn crypt(&mut self) {
        let Some(thing) = self.thing() else { return };
        let (process, caller) = self.place(thing);
        let object = self.object(process, thing.id);
        let (purpose, verb) = if self.below(3) == 0 {
            (Purpose::Encrypt, Verb::Encrypt)
        } else {
            (Purpose::Decrypt, Verb::Decrypt)
        };
        let (mechanism, data) = (self.mechanism(), self.output());
        let kms = &self.processes[process];
        let given = one_part(kms, &caller, thing.id, purpose, mechanism, &data);
        if let (Some(output), Some(object)) = (self.judged(verb.name(), given), object) {
            self.used(&object, thing.account, KeyRole::Data);
            self.done.push((thing.account, verb, thing.id));
            self.given(output);
        }
    }

    pub(super) fn wrap(&mut self) {
        let (Some(key), Some(target)) = (self.thing(), self.thing()) else {
            return;
        };
        if key.account != target.account {
            return;
        }
        let (process, caller) = self.place(key);
        if target.process.is_some_and(|held| held != process) {
            return;
        }
        let (wrapping, wrapped) = (
            self.object(process, key.id),
            self.object(process, target.id),
        );
        let mechanism = self.mechanism();
        let kms = &self.processes[process];
        let given = wrap(kms, &caller, key.id, &mechanism, target.id);
        let (Some(bytes), Some(wrapping), Some(wrapped)) =
            (self.judged("wrap", given), wrapping, wrapped)
        else {
            return;
        };
        assert!(wrapped.attributes.extractable && !wrapped.attributes.wrap_with_trusted);
        self.done.push((key.account, Verb::Wrap, key.id));
        self.done.push((key.account, Verb::Export, target.id));
        if imprints::is_hidden(&wrapped) {
            self.used(&wrapping, key.account, KeyRole::Wrapping);
            if let Some(value) = value_of(key.account, &wrapped) {
                let strict = self.strict.entry(value.clone()).or_default();
                *strict = strict.and(Imprint::of(&wrapped.attributes));
                // With a key that may be read anybody opens it outside: that is what extractable means.
                if !imprints::is_hidden(&wrapping) || key.id == target.id {
                    self.exposed(&value);
                }
            }
        }
        self.given(bytes);
    }

    pub(super) fn unwrap(&mut self) {
        let Some(key) = self.thing() else { return };
        let (process, caller) = self.place(key);
        let object = self.object(process, key.id);
        let mut wrapped = self.output();
        match self.below(4) {
            0 => wrapped.truncate(BLOCK),
            1 if wrapped.len() >= 2 * BLOCK => {
                wrapped.drain(..BLOCK);
            }
            2 if !wrapped.is_empty() => wrapped[0] ^= 1,
            _ => {}
        }
        let (lifetime, held) = if self.coin() {
            (Lifetime::Stored, None)
        } else {
            let session = SessionId::fresh();
            (Lifetime::Session(session), Some(process))
        };
        let template = self.template(lifetime, None);
        let request = UnwrapKey {
            unwrapping_key: key.id,
            mechanism: self.mechanism(),
            wrapped: &wrapped,
            template,
            kind: &|length| match length {
                16 | 32 => Some(KeySpec::Aes {
                    bits: u32::try_from(length * 8).ok()?,
                }),
                _ => None,
            },
            decode: &Ok,
        };
        let made = self.processes[process].unwrap(&caller, request);
        if let (Some(id), Some(object)) = (self.judged("unwrap", made), object) {
            self.used(&object, key.account, KeyRole::Wrapping);
            let thing = Thing {
                id,
                account: key.account,
                process: held,
            };
            self.made(Verb::Unwrap, process, thing, false);
        }
    }

    pub(super) fn derive(&mut self) {
        let Some(base) = self.thing() else { return };
        let (process, caller) = self.place(base);
        let object = self.object(process, base.id);
        let zeros = SecretBytes::from(&[0; 32][..]);
        let (mechanism, length) = match self.below(5) {
            0 => (Mechanism::Xor { data: zeros }, None),
            1 => (
                Mechanism::Concatenate {
                    data: zeros,
                    before: true,
                },
                Some(48),
            ),
            2 => (Mechanism::Extract { first_bit: 0 }, Some(16)),
            3 => (
                Mechanism::HashKey {
                    hash: HashAlgorithm::Sha256,
                },
                Some(32),
            ),
            _ => {
                let data = SecretBytes::from(self.output());
                (Mechanism::EncryptData { iv: None, data }, Some(16))
            }
        };
        let (lifetime, held) = if self.coin() {
            (Lifetime::Stored, None)
        } else {
            let session = SessionId::fresh();
            (Lifetime::Session(session), Some(process))
        };
        let own = object.as_ref().and_then(|object| object.spec);
        let length = length.or(own.map(KeySpec::value_length));
        let bits = u32::try_from(length.unwrap_or(32) * 8).expect("bits");
        let template = self.template(lifetime, Some(KeySpec::GenericSecret { bits }));
        let request = DeriveKey {
            base_key: base.id,
            mechanism,
            other_keys: Vec::new(),
            length,
            template,
        };
        let made = self.processes[process].derive(&caller, request);
        if let (Some(id), Some(object)) = (self.judged("derive", made), object) {
            self.used(&object, base.account, KeyRole::Data);
            let thing = Thing {
                id,
                account: base.account,
                process: held,
            };
            self.made(Verb::Derive, process, thing, false);
        }
    }

    pub(super) fn export(&mut self) {
        let Some(thing) = self.thing() else { return };
        let (process, caller) = self.place(thing);
        let exported = self.processes[process].export(&caller, thing.id);
        if let Some(exported) = self.judged("export", exported) {
            let attributes = &exported.object.attributes;
            assert!(!attributes.sensitive && attributes.extractable);
            self.done.push((thing.account, Verb::Export, thing.id));
            self.given(exported.value.expose().to_vec());
        }
    }

    /// Deletes or destroys.
    pub(super) fn end(&mut self) {
        if self.things.len() < 8 {
            return;
        }
        let Some(thing) = self.thing() else { return };
        let (process, caller) = self.place(thing);
        let kms = &self.processes[process];
        let (verb, done) = if thing.process.is_some() || caller.door() == Door::Pkcs11 {
            (Verb::Delete, kms.delete(&caller, thing.id))
        } else {
            (Verb::Destroy, kms.destroy(&caller, thing.id))
        };
        if self.judged(verb.name(), done).is_some() {
            self.done.push((thing.account, verb, thing.id));
        }
    }

    /// An administrator shuts and opens the gate, or rotates.
    pub(super) fn gate(&mut self) {
        let Some(thing) = self.thing() else { return };
        let (process, _) = self.place(thing);
        let key = self.object(process, thing.id).and_then(|object| object.key);
        let Some(key) = key else { return };
        let kms = &self.processes[process];
        let administrator = kms.local_administrator(self.accounts[thing.account]);
        let shut = kms.disable_key(&administrator, key);
        let used = encrypt(kms, &administrator, thing.id, b"x");
        let opened = kms.enable_key(&administrator, key);
        if shut.is_ok() {
            assert!(used.is_err() && opened.is_ok(), "a shut gate");
        }
        if self.coin() {
            let rotated = self.processes[process].rotate_key(&administrator, key);
            if let Some(created) = self.judged("rotate", rotated) {
                let thing = Thing {
                    id: created.secret,
                    ..thing
                };
                self.made(Verb::Create, process, thing, true);
                self.done.pop();
            }
        }
    }

    /// Somebody of the other account.
    pub(super) fn stranger(&mut self) {
        let Some(thing) = self.thing() else { return };
        let (process, _) = self.place(thing);
        let caller = Arc::clone(&self.callers[1 - thing.account][self.below(2)]);
        let kms = &self.processes[process];
        let id = thing.id;
        let nothing: [(&str, Result<()>); 8] = [
            ("inspect", kms.inspect(&caller, id).map(drop)),
            ("export", kms.export(&caller, id).map(drop)),
            ("encrypt", encrypt(kms, &caller, id, b"x").map(drop)),
            ("modify", kms.modify(&caller, id, &mut |_| Ok(()))),
            ("destroy", kms.destroy(&caller, id)),
            ("delete", kms.delete(&caller, id)),
            ("archive", kms.archive(&caller, id)),
            (
                "copy",
                kms.copy(&caller, id, Lifetime::Stored, &mut |_| Ok(()))
                    .map(drop),
            ),
        ];
        for (what, result) in nothing {
            assert!(
                matches!(result, Err(Error::NotFound { .. })),
                "{what} of another account's object: {result:?}"
            );
        }
    }

    pub(super) fn find(&mut self) {
        let (account, process) = (self.below(2), self.below(2));
        let found = self.processes[process]
            .find(
                &self.callers[account][self.random as usize % 2],
                &Find::default(),
            )
            .expect("find");
        for thing in &self.things {
            assert!(
                thing.account == account || !found.contains(&thing.id),
                "another account's object is found"
            );
        }
    }

    /// A process ends, and another begins.
    pub(super) fn restart(&mut self) {
        let process = self.below(2);
        self.log.push(format!("process {process} starts anew"));
        if self.coin() {
            self.processes[process].fold_audit().expect("fold");
        }
        self.processes[process] = self.bridge.second();
        self.things.retain(|thing| thing.process != Some(process));
    }
}
