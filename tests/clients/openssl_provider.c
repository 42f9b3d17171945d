/* What OpenSSL's provider for PKCS#11 (latchset's pkcs11-provider 1.2) calls, in its order: the interface by
 * name and version, profiles, every mechanism's information, one session for everything with a notification
 * callback, keys copied into the session, probes of the operation's state, calls from exit handlers.
 * Usage: openssl_provider MODULE LABEL PIN KEY CASE. Ends with 0 when all went well; says what did not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keybridge_pkcs11.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define CHECK(call) expect((call), CKR_OK, #call, __LINE__)
#define EXPECT(call, code) expect((call), (code), #call, __LINE__)
#define SURE(truth) sure((truth), #truth, __LINE__)

static CK_FUNCTION_LIST_3_0 *module;
static const char *label, *pin, *key_label;
static void *library;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE private_key, public_key, cached;

static void sure(int truth, const char *what, int line) {
    if (!truth) {
        fprintf(stderr, "line %d: not so: %s\n", line, what);
        _exit(1);
    }
}

static void expect(CK_RV got, CK_RV wanted, const char *what, int line) {
    if (got != wanted) {
        fprintf(stderr, "line %d: %s: %#lx, not %#lx\n", line, what, got, wanted);
        _exit(1);
    }
}

static CK_RV notified(CK_SESSION_HANDLE in, CK_NOTIFICATION event, void *application) {
    (void)in, (void)event, (void)application;
    return CKR_OK;
}

static void load(const char *path) {
    CK_RV (*get_interface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
    CK_VERSION version = {3, 0};
    CK_INTERFACE_PTR interface;
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (!library) fprintf(stderr, "%s\n", dlerror());
    SURE(library != NULL);
    *(void **)&get_interface = dlsym(library, "C_GetInterface");
    SURE(get_interface != NULL);
    CHECK(get_interface((CK_UTF8CHAR_PTR) "PKCS 11", &version, &interface, 0));
    module = interface->pFunctionList;
    SURE(module->version.major == 3);
}

static int is_labelled(const CK_UTF8CHAR padded[32]) {
    size_t length = strlen(label);
    return !memcmp(padded, label, length) && (length == 32 || padded[length] == ' ');
}

static void look_around(void) {
    CK_SLOT_ID slots[64];
    CK_ULONG count, index, mechanism, mechanisms;
    int found = 0;
    CHECK(module->C_GetSlotList(CK_FALSE, NULL_PTR, &count));
    SURE(count > 0 && count <= COUNT(slots));
    CHECK(module->C_GetSlotList(CK_FALSE, slots, &count));
    for (index = 0; index < count; index++) {
        CK_SLOT_INFO info;
        CK_TOKEN_INFO token;
        CK_SESSION_HANDLE look;
        CK_OBJECT_HANDLE profiles[5];
        CK_ULONG found_profiles = 0;
        CK_OBJECT_CLASS class = CKO_PROFILE;
        CK_BBOOL yes = CK_TRUE;
        CK_ATTRIBUTE template[] = {{CKA_TOKEN, &yes, sizeof yes}, {CKA_CLASS, &class, sizeof class}};
        CHECK(module->C_GetSlotInfo(slots[index], &info));
        if (!(info.flags & CKF_TOKEN_PRESENT)) continue;
        CHECK(module->C_GetTokenInfo(slots[index], &token));
        if (!is_labelled(token.label)) continue;
        slot = slots[index];
        found = 1;
        CHECK(module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL_PTR, NULL_PTR, &look));
        CHECK(module->C_FindObjectsInit(look, template, COUNT(template)));
        CHECK(module->C_FindObjects(look, profiles, COUNT(profiles), &found_profiles));
        CHECK(module->C_FindObjectsFinal(look));
        while (found_profiles-- > 0) {
            CK_ULONG value = CK_UNAVAILABLE_INFORMATION;
            CK_ATTRIBUTE profile = {CKA_PROFILE_ID, &value, sizeof value};
            CHECK(module->C_GetAttributeValue(look, profiles[found_profiles], &profile, 1));
            SURE(value != CK_UNAVAILABLE_INFORMATION);
        }
        CHECK(module->C_CloseSession(look));
    }
    SURE(found);
    CHECK(module->C_GetMechanismList(slot, NULL_PTR, &mechanisms));
    CK_MECHANISM_TYPE *list = calloc(mechanisms, sizeof *list);
    CHECK(module->C_GetMechanismList(slot, list, &mechanisms));
    for (mechanism = 0; mechanism < mechanisms; mechanism++) {
        CK_MECHANISM_INFO info;
        CHECK(module->C_GetMechanismInfo(slot, list[mechanism], &info));
    }
    free(list);
}

/* Each attribute that a token may not have is asked for again by itself. */
static CK_ULONG attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG room) {
    CK_ATTRIBUTE template = {type, NULL_PTR, 0};
    CK_RV rv = module->C_GetAttributeValue(session, object, &template, 1);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID) return CK_UNAVAILABLE_INFORMATION;
    CHECK(rv);
    SURE(template.ulValueLen <= room);
    if (template.ulValueLen == 0) return 0;
    template.pValue = value;
    CHECK(module->C_GetAttributeValue(session, object, &template, 1));
    return template.ulValueLen;
}

static CK_OBJECT_HANDLE find(CK_OBJECT_CLASS class) {
    CK_OBJECT_HANDLE found[64], none;
    CK_ULONG count;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_LABEL, (void *)key_label, strlen(key_label)}};
    CHECK(module->C_FindObjectsInit(session, template, COUNT(template)));
    CHECK(module->C_FindObjects(session, found, COUNT(found), &count));
    SURE(count == 1);
    CHECK(module->C_FindObjects(session, &none, 1, &count));
    SURE(count == 0);
    CHECK(module->C_FindObjectsFinal(session));
    return found[0];
}

static void fetch(void) {
    CK_BYTE buffer[4096];
    CK_BBOOL flag = CK_FALSE;
    private_key = find(CKO_PRIVATE_KEY);
    public_key = find(CKO_PUBLIC_KEY);
    attribute(private_key, CKA_KEY_TYPE, buffer, sizeof buffer);
    SURE(attribute(private_key, CKA_TOKEN, &flag, sizeof flag) == 1 && flag == CK_TRUE);
    SURE(attribute(private_key, CKA_COPYABLE, &flag, sizeof flag) == 1 && flag == CK_TRUE);
    attribute(private_key, CKA_ID, buffer, sizeof buffer);
    attribute(private_key, CKA_LABEL, buffer, sizeof buffer);
    SURE(attribute(private_key, CKA_ALWAYS_AUTHENTICATE, &flag, sizeof flag) == 1 && flag == CK_FALSE);
    attribute(private_key, CKA_ALLOWED_MECHANISMS, buffer, sizeof buffer);
    attribute(private_key, CKA_PUBLIC_KEY_INFO, buffer, sizeof buffer);
    attribute(private_key, CKA_EC_PARAMS, buffer, sizeof buffer);
    attribute(private_key, CKA_EC_POINT, buffer, sizeof buffer);
    SURE(attribute(public_key, CKA_EC_POINT, buffer, sizeof buffer) == 67);
}

/* The key is copied into the session, through a session that can only read the token. */
static void cache(void) {
    CK_BBOOL no = CK_FALSE, flag = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, sizeof no}};
    CHECK(module->C_CopyObject(session, private_key, template, 1, &cached));
    SURE(cached != private_key);
    SURE(attribute(cached, CKA_TOKEN, &flag, sizeof flag) == 1 && flag == CK_FALSE);
    SURE(attribute(cached, CKA_SENSITIVE, &flag, sizeof flag) == 1 && flag == CK_TRUE);
}

static void start(void) {
    CK_C_INITIALIZE_ARGS arguments;
    CK_INFO info;
    CK_SESSION_INFO state;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CKF_OS_LOCKING_OK;
    CHECK(module->C_Initialize(&arguments));
    CHECK(module->C_GetInfo(&info));
    look_around();
    CHECK(module->C_OpenSession(slot, CKF_SERIAL_SESSION, &session, notified, &session));
    CHECK(module->C_GetSessionInfo(session, &state));
    SURE(state.state == CKS_RO_PUBLIC_SESSION);
    CHECK(module->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin, strlen(pin)));
    CHECK(module->C_GetSessionInfo(session, &state));
    SURE(state.state == CKS_RO_USER_FUNCTIONS);
    fetch();
    cache();
}

/* DigestSign: in parts; before the end it asks whether the operation could be saved, as OpenSSL's copy of a
 * context wants. A refusal must leave the operation as it was. */
static CK_RV sign(CK_SESSION_HANDLE in, CK_OBJECT_HANDLE with) {
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL_PTR, 0};
    CK_BYTE message[] = "a message", signature[64];
    CK_ULONG length = sizeof signature, state = 0;
    CK_RV rv;
    if ((rv = module->C_SignInit(in, &mechanism, with)) != CKR_OK) return rv;
    if ((rv = module->C_SignUpdate(in, message, 4)) != CKR_OK) return rv;
    if ((rv = module->C_SignUpdate(in, message + 4, 5)) != CKR_OK) return rv;
    EXPECT(module->C_GetOperationState(in, NULL_PTR, &state), CKR_STATE_UNSAVEABLE);
    if ((rv = module->C_SignFinal(in, signature, &length)) != CKR_OK) return rv;
    SURE(length == sizeof signature);
    if ((rv = module->C_VerifyInit(in, &mechanism, public_key)) != CKR_OK) return rv;
    return module->C_Verify(in, message, 9, signature, length);
}

static void signs(void) {
    CK_ULONG state = 0;
    start();
    EXPECT(module->C_GetOperationState(session, NULL_PTR, &state), CKR_OPERATION_NOT_INITIALIZED);
    CHECK(sign(session, private_key));
    CHECK(sign(session, cached));
    /* A session object goes with its destruction, the token's key stays. */
    CHECK(module->C_DestroyObject(session, cached));
    EXPECT(sign(session, cached), CKR_KEY_HANDLE_INVALID);
    CHECK(sign(session, private_key));
    cache();
    CHECK(sign(session, cached));
    CHECK(module->C_CloseSession(session));
    CHECK(module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL_PTR, NULL_PTR, &session));
    EXPECT(sign(session, cached), CKR_KEY_HANDLE_INVALID);
    CHECK(module->C_Finalize(NULL_PTR));
}

/* EVP_MD_CTX_copy: the state of a digest goes to a second session, and both go on. */
static void digests(void) {
    CK_MECHANISM sha256 = {CKM_SHA256, NULL_PTR, 0};
    CK_BYTE state[4096], first[32], second[32], whole[32];
    CK_ULONG length = 0, out = 32;
    CK_SESSION_HANDLE other;
    start();
    CHECK(module->C_DigestInit(session, &sha256));
    CHECK(module->C_DigestUpdate(session, (CK_BYTE_PTR) "hello ", 6));
    CHECK(module->C_GetOperationState(session, NULL_PTR, &length));
    SURE(length > 0 && length <= sizeof state);
    CHECK(module->C_GetOperationState(session, state, &length));
    CHECK(module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL_PTR, NULL_PTR, &other));
    CHECK(module->C_SetOperationState(other, state, length, CK_INVALID_HANDLE, CK_INVALID_HANDLE));
    CHECK(module->C_DigestUpdate(session, (CK_BYTE_PTR) "world", 5));
    CHECK(module->C_DigestUpdate(other, (CK_BYTE_PTR) "world", 5));
    CHECK(module->C_DigestFinal(session, first, &out));
    CHECK(module->C_DigestFinal(other, second, &out));
    CHECK(module->C_DigestInit(session, &sha256));
    CHECK(module->C_Digest(session, (CK_BYTE_PTR) "hello world", 11, whole, &out));
    SURE(!memcmp(first, whole, 32) && !memcmp(second, whole, 32));
    CHECK(module->C_Finalize(NULL_PTR));
}

/* A child initializes anew; its first try is with what it has from its parent. */
static void forks(void) {
    int status = 0;
    pid_t child;
    start();
    child = fork();
    if (child == 0) {
        CK_SESSION_INFO state;
        EXPECT(module->C_GetSessionInfo(session, &state), CKR_CRYPTOKI_NOT_INITIALIZED);
        EXPECT(sign(session, cached), CKR_CRYPTOKI_NOT_INITIALIZED);
        start();
        CHECK(sign(session, cached));
        exit(0);
    }
    SURE(waitpid(child, &status, 0) == child && status == 0);
    CHECK(sign(session, cached));
    CHECK(module->C_Finalize(NULL_PTR));
}

/* OpenSSL frees the provider in its own exit handler: keys are destroyed and sessions closed there. */
static void tear_down(void) {
    CHECK(sign(session, cached));
    CHECK(module->C_DestroyObject(session, cached));
    CHECK(module->C_CloseSession(session));
    CHECK(module->C_Finalize(NULL_PTR));
}

static void exits_before_finalize(void) {
    atexit(tear_down);
    start();
    CHECK(sign(session, cached));
}

/* Another part of the program finalized first: the provider's exit handler meets a finalized module. */
static void late_tear_down(void) {
    CK_INFO info;
    EXPECT(sign(session, cached), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(module->C_DestroyObject(session, cached), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(module->C_CloseSession(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(module->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(module->C_Finalize(NULL_PTR), CKR_CRYPTOKI_NOT_INITIALIZED);
    dlclose(library);
}

static void exits_after_finalize(void) {
    atexit(late_tear_down);
    start();
    CHECK(sign(session, cached));
    CHECK(module->C_Finalize(NULL_PTR));
}

static int tear_down_at_the_very_end;

/* After the exit handlers: what a library's destructor does. */
__attribute__((destructor)) static void at_the_very_end(void) {
    if (tear_down_at_the_very_end) tear_down();
}

static void exits_from_a_destructor(void) {
    tear_down_at_the_very_end = 1;
    start();
}

static void *signing(void *unused) {
    CK_SESSION_HANDLE own;
    (void)unused;
    if (module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL_PTR, NULL_PTR, &own) != CKR_OK) return NULL;
    while (sign(own, private_key) == CKR_OK) continue;
    return NULL;
}

/* The process ends while its threads sign. */
static void exits_among_threads(void) {
    pthread_t threads[4];
    size_t index;
    start();
    for (index = 0; index < COUNT(threads); index++) {
        SURE(pthread_create(&threads[index], NULL, signing, NULL) == 0);
    }
    for (index = 0; index < 20; index++) CHECK(sign(session, cached));
}

/* The application changed its key behind the provider: the copy in the session is of the same key. */
static void outlives(void) {
    char line[8];
    start();
    CHECK(sign(session, cached));
    puts("ready");
    fflush(stdout);
    SURE(fgets(line, sizeof line, stdin) != NULL);
    EXPECT(sign(session, cached), CKR_KEY_FUNCTION_NOT_PERMITTED);
    EXPECT(sign(session, private_key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    CHECK(module->C_Finalize(NULL_PTR));
}

static const struct {
    const char *name;
    void (*play)(void);
} cases[] = {
    {"signs", signs},
    {"digests", digests},
    {"forks", forks},
    {"exits_before_finalize", exits_before_finalize},
    {"exits_after_finalize", exits_after_finalize},
    {"exits_from_a_destructor", exits_from_a_destructor},
    {"exits_among_threads", exits_among_threads},
    {"outlives", outlives},
};

int main(int count, char **arguments) {
    size_t index;
    if (count != 6) return 2;
    alarm(120);
    label = arguments[2];
    pin = arguments[3];
    key_label = arguments[4];
    load(arguments[1]);
    for (index = 0; index < COUNT(cases); index++) {
        if (!strcmp(arguments[5], cases[index].name)) {
            cases[index].play();
            return 0;
        }
    }
    return 2;
}
