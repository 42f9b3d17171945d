/* A C program that uses the module through its header. Usage: consumer MODULE CASE
 * Ends with 0 when the case went well; says what did not, and where, otherwise. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keybridge_pkcs11.h"

#define SLOT 10
#define THREADS 6
#define HUNDREDS 300

static CK_FUNCTION_LIST_3_2 *module;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE private_key, public_key;
static void *library;

#define CHECK(call) expect((call), CKR_OK, #call, __LINE__)
#define EXPECT(call, code) expect((call), (code), #call, __LINE__)

static void expect(CK_RV got, CK_RV wanted, const char *what, int line) {
    if (got != wanted) {
        fprintf(stderr, "line %d: %s: %#lx, not %#lx\n", line, what, got, wanted);
        _exit(1);
    }
}

static void load(const char *path) {
    CK_RV (*get_interface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
    CK_INTERFACE_PTR interface;
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
    *(void **)&get_interface = dlsym(library, "C_GetInterface");
    CHECK(get_interface((CK_UTF8CHAR_PTR) "PKCS 11", NULL_PTR, &interface, 0));
    module = interface->pFunctionList;
}

static void open_and_log_in(void) {
    CHECK(module->C_OpenSession(SLOT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR,
                                &session));
    CHECK(module->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR) "user-1234", 9));
}

static void make_pair(void) {
    CK_BYTE p256[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
    CK_ATTRIBUTE public_template[] = {{CKA_EC_PARAMS, p256, sizeof p256}};
    CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL_PTR, 0};
    CHECK(module->C_GenerateKeyPair(session, &generate, public_template, 1, NULL_PTR, 0,
                                    &public_key, &private_key));
}

static CK_RV sign_in(CK_SESSION_HANDLE in) {
    CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL_PTR, 0};
    CK_BYTE data[32] = {7}, signature[64];
    CK_ULONG length = sizeof signature;
    CK_RV rv = module->C_SignInit(in, &ecdsa, private_key);
    if (rv != CKR_OK) return rv;
    rv = module->C_Sign(in, data, sizeof data, signature, &length);
    if (rv != CKR_OK) return rv;
    if ((rv = module->C_VerifyInit(in, &ecdsa, public_key)) != CKR_OK) return rv;
    return module->C_Verify(in, data, sizeof data, signature, length);
}

static void start(void) {
    CK_C_INITIALIZE_ARGS arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CKF_OS_LOCKING_OK;
    CHECK(module->C_Initialize(&arguments));
    open_and_log_in();
    make_pair();
}

static void usual(void) {
    CK_INFO info;
    CK_C_INITIALIZE_ARGS arguments;
    EXPECT(module->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    EXPECT(module->C_Finalize(NULL_PTR), CKR_CRYPTOKI_NOT_INITIALIZED);
    memset(&arguments, 0, sizeof arguments);
    arguments.pReserved = &info;
    EXPECT(module->C_Initialize(&arguments), CKR_ARGUMENTS_BAD);
    CHECK(module->C_Initialize(NULL_PTR));
    EXPECT(module->C_Initialize(NULL_PTR), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    CHECK(module->C_GetInfo(&info));
    open_and_log_in();
    make_pair();
    CHECK(sign_in(session));
    EXPECT(module->C_Finalize(&info), CKR_ARGUMENTS_BAD);
    CHECK(module->C_Finalize(NULL_PTR));
    EXPECT(module->C_CloseSession(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    start();
    CHECK(sign_in(session));
    CHECK(module->C_Finalize(NULL_PTR));
}

static void child(void) {
    CK_INFO info;
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        alarm(60);
        EXPECT(module->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
        EXPECT(sign_in(session), CKR_CRYPTOKI_NOT_INITIALIZED);
        EXPECT(module->C_Finalize(NULL_PTR), CKR_CRYPTOKI_NOT_INITIALIZED);
        start();
        CHECK(sign_in(session));
        CHECK(module->C_Finalize(NULL_PTR));
        /* Through the exit handlers, as programs do. */
        exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "the child ended with %#x\n", status);
        _exit(1);
    }
}

static void forks(void) {
    start();
    child();
    CHECK(sign_in(session));
    child();
    CHECK(sign_in(session));
    CHECK(module->C_Finalize(NULL_PTR));
}

static volatile int stop;
static CK_RV allowed;

static void *busy(void *unused) {
    CK_SESSION_HANDLE own;
    CK_RV rv = module->C_OpenSession(SLOT, CKF_SERIAL_SESSION, NULL_PTR, NULL_PTR, &own);
    (void)unused;
    while (!stop && rv == CKR_OK) rv = sign_in(own);
    if (rv != CKR_OK && rv != allowed) EXPECT(rv, allowed);
    return NULL;
}

static void forks_among_threads(void) {
    pthread_t threads[THREADS];
    int index;
    start();
    allowed = CKR_OK;
    for (index = 0; index < THREADS; index++) pthread_create(&threads[index], NULL, busy, NULL);
    for (index = 0; index < 5; index++) child();
    stop = 1;
    for (index = 0; index < THREADS; index++) pthread_join(threads[index], NULL);
    CHECK(sign_in(session));
    CHECK(module->C_Finalize(NULL_PTR));
}

static void finalize_among_threads(void) {
    pthread_t threads[THREADS];
    int index;
    start();
    allowed = CKR_CRYPTOKI_NOT_INITIALIZED;
    for (index = 0; index < THREADS; index++) pthread_create(&threads[index], NULL, busy, NULL);
    for (index = 0; index < 50; index++) CHECK(sign_in(session));
    CHECK(module->C_Finalize(NULL_PTR));
    for (index = 0; index < THREADS; index++) pthread_join(threads[index], NULL);
    EXPECT(sign_in(session), CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* What programs do in threads of their own: a session, objects, several operations at a time. */
static void *program(void *unused) {
    CK_ULONG bytes = 32, length, count;
    CK_BYTE block[16] = {7}, out[32];
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL_PTR, 0}, ecb = {CKM_AES_ECB, NULL_PTR, 0},
                 sha256 = {CKM_SHA256, NULL_PTR, 0};
    CK_SESSION_HANDLE own;
    CK_OBJECT_HANDLE key, found;
    int round;
    (void)unused;
    CHECK(module->C_OpenSession(SLOT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR,
                                &own));
    for (round = 0; round < 5; round++) {
        CHECK(sign_in(own));
        CHECK(module->C_GenerateKey(own, &generate, template, 1, &key));
        CHECK(module->C_DigestInit(own, &sha256));
        CHECK(module->C_EncryptInit(own, &ecb, key));
        length = sizeof out;
        CHECK(module->C_Encrypt(own, block, sizeof block, out, &length));
        CHECK(module->C_DigestUpdate(own, out, length));
        CHECK(module->C_FindObjectsInit(own, template, 1));
        CHECK(module->C_FindObjects(own, &found, 1, &count));
        CHECK(module->C_FindObjectsFinal(own));
        CHECK(module->C_DestroyObject(own, key));
        EXPECT(module->C_EncryptInit(own, &ecb, key), CKR_KEY_HANDLE_INVALID);
        length = sizeof out;
        CHECK(module->C_DigestFinal(own, out, &length));
    }
    CHECK(module->C_CloseSession(own));
    EXPECT(module->C_CloseSession(own), CKR_SESSION_HANDLE_INVALID);
    return NULL;
}

static void hundreds_of_threads(void) {
    static pthread_t threads[HUNDREDS];
    CK_TOKEN_INFO info;
    int index;
    start();
    for (index = 0; index < HUNDREDS; index++) {
        if (pthread_create(&threads[index], NULL, program, NULL)) _exit(1);
    }
    for (index = 0; index < HUNDREDS; index++) pthread_join(threads[index], NULL);
    CHECK(sign_in(session));
    CHECK(module->C_GetTokenInfo(SLOT, &info));
    if (info.ulSessionCount != 1) {
        fprintf(stderr, "%lu sessions are left\n", info.ulSessionCount);
        _exit(1);
    }
    CHECK(module->C_Finalize(NULL_PTR));
}

static void *waiting(void *unused) {
    CK_SLOT_ID slot;
    (void)unused;
    EXPECT(module->C_WaitForSlotEvent(0, &slot, NULL_PTR), CKR_CRYPTOKI_NOT_INITIALIZED);
    return NULL;
}

static void finalize_wakes(void) {
    pthread_t thread;
    start();
    pthread_create(&thread, NULL, waiting, NULL);
    CHECK(sign_in(session));
    CHECK(module->C_Finalize(NULL_PTR));
    pthread_join(thread, NULL);
}

static void late(void) {
    CHECK(sign_in(session));
    CHECK(module->C_CloseSession(session));
}

static void exit_without_finalize(void) {
    atexit(late);
    start();
    CHECK(sign_in(session));
}

static void unload(const char *path) {
    int index;
    start();
    CHECK(module->C_Finalize(NULL_PTR));
    for (index = 0; index < 20; index++) {
        dlclose(library);
        load(path);
        CHECK(module->C_Initialize(NULL_PTR));
        CHECK(module->C_Finalize(NULL_PTR));
    }
}

static CK_RV make_lock(void **lock) {
    pthread_mutex_t *made = malloc(sizeof *made);
    if (!made || pthread_mutex_init(made, NULL)) return CKR_GENERAL_ERROR;
    *lock = made;
    return CKR_OK;
}

static CK_RV end_lock(void *lock) {
    free(lock);
    return CKR_OK;
}

static CK_RV take_lock(void *lock) {
    return pthread_mutex_lock(lock) ? CKR_GENERAL_ERROR : CKR_OK;
}

static CK_RV give_lock(void *lock) {
    return pthread_mutex_unlock(lock) ? CKR_MUTEX_NOT_LOCKED : CKR_OK;
}

/* The four ways of "C_Initialize" to say whose locks are used, and what is none of them. With each that allows
 * threads, threads of the application work at once. */
static void locking(void) {
    static const CK_FLAGS flags[] = {0, CKF_OS_LOCKING_OK, CKF_LIBRARY_CANT_CREATE_OS_THREADS,
                                     CKF_LIBRARY_CANT_CREATE_OS_THREADS | CKF_OS_LOCKING_OK};
    CK_C_INITIALIZE_ARGS arguments;
    pthread_t threads[THREADS];
    size_t way, index;
    for (way = 0; way < 8; way++) {
        memset(&arguments, 0, sizeof arguments);
        arguments.flags = flags[way % 4];
        if (way >= 4) {
            arguments.CreateMutex = make_lock;
            arguments.DestroyMutex = end_lock;
            arguments.LockMutex = take_lock;
            EXPECT(module->C_Initialize(&arguments), CKR_ARGUMENTS_BAD);
            arguments.UnlockMutex = give_lock;
        }
        CHECK(module->C_Initialize(&arguments));
        open_and_log_in();
        make_pair();
        CHECK(sign_in(session));
        /* Neither functions nor the flag: the application says that it has one thread. */
        if (way >= 4 || (arguments.flags & CKF_OS_LOCKING_OK)) {
            for (index = 0; index < THREADS; index++) {
                if (pthread_create(&threads[index], NULL, program, NULL)) _exit(1);
            }
            for (index = 0; index < THREADS; index++) pthread_join(threads[index], NULL);
        }
        CHECK(module->C_Finalize(NULL_PTR));
    }
}

static pthread_barrier_t unloading;

static void *outliving(void *unused) {
    (void)unused;
    program(NULL);
    pthread_barrier_wait(&unloading);
    /* The library is unloaded here, and this thread ends after it. */
    pthread_barrier_wait(&unloading);
    return NULL;
}

/* Without C_Finalize, before the threads that used it end; then a fork and an exit, in which nothing of it may run. */
static void unload_in_use(void) {
    pthread_t threads[THREADS];
    int index, status = 0;
    pid_t pid;
    start();
    pthread_barrier_init(&unloading, NULL, THREADS + 1);
    for (index = 0; index < THREADS; index++) {
        if (pthread_create(&threads[index], NULL, outliving, NULL)) _exit(1);
    }
    pthread_barrier_wait(&unloading);
    dlclose(library);
    pthread_barrier_wait(&unloading);
    for (index = 0; index < THREADS; index++) pthread_join(threads[index], NULL);
    pid = fork();
    if (pid == 0) exit(0);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "the child ended with %#x\n", status);
        _exit(1);
    }
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    alarm(120);
    load(arguments[1]);
    if (!strcmp(arguments[2], "usual")) usual();
    else if (!strcmp(arguments[2], "forks")) forks();
    else if (!strcmp(arguments[2], "forks_among_threads")) forks_among_threads();
    else if (!strcmp(arguments[2], "finalize_among_threads")) finalize_among_threads();
    else if (!strcmp(arguments[2], "hundreds_of_threads")) hundreds_of_threads();
    else if (!strcmp(arguments[2], "finalize_wakes")) finalize_wakes();
    else if (!strcmp(arguments[2], "exit_without_finalize")) exit_without_finalize();
    else if (!strcmp(arguments[2], "unload")) unload(arguments[1]);
    else if (!strcmp(arguments[2], "unload_in_use")) unload_in_use();
    else if (!strcmp(arguments[2], "locking")) locking();
    else return 2;
    return 0;
}
